// Command go-http is the peer in Go of the HTTP measurements, as a team writes it by hand with fx:
// configuration from the environment, zap logs, chi with the usual middleware, Prometheus metrics,
// OpenTelemetry traces, which are exported only where a collector is named.
package main

import (
	"time"

	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"
	"go.uber.org/zap"
)

func main() {
	fx.New(
		fx.Provide(loadConfig, newLogger, newTracerProvider, newRegistry, newHandlers, newRouter),
		fx.Invoke(serve),
		fx.WithLogger(func(log *zap.Logger) fxevent.Logger {
			l := &fxevent.ZapLogger{Logger: log}
			l.UseLogLevel(zap.DebugLevel)
			return l
		}),
		fx.StartTimeout(15*time.Second),
		fx.StopTimeout(15*time.Second),
	).Run()
}
