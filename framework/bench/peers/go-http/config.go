package main

import (
	"time"

	"github.com/caarlos0/env/v11"
	"go.uber.org/zap"
)

type Config struct {
	Addr           string        `env:"ADDR" envDefault:"127.0.0.1:8080"`
	RequestTimeout time.Duration `env:"REQUEST_TIMEOUT" envDefault:"30s"`
	LogLevel       string        `env:"LOG_LEVEL" envDefault:"info"`
	OTLPEndpoint   string        `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
}

func loadConfig() (Config, error) {
	return env.ParseAs[Config]()
}

func newLogger(cfg Config) (*zap.Logger, error) {
	level, err := zap.ParseAtomicLevel(cfg.LogLevel)
	if err != nil {
		return nil, err
	}
	c := zap.NewProductionConfig()
	c.Level = level
	c.Sampling = nil
	return c.Build()
}
