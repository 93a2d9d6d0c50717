package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/fx"
	"go.uber.org/zap"
)

type Order struct {
	ID       int64    `json:"id"`
	Customer string   `json:"customer"`
	Items    []string `json:"items"`
	Total    float64  `json:"total"`
}

type Handlers struct{}

func newHandlers() *Handlers { return &Handlers{} }

func (h *Handlers) hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("hello"))
}

func (h *Handlers) postJSON(w http.ResponseWriter, r *http.Request) {
	var o Order
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&o); err != nil {
		http.Error(w, "malformed JSON: "+err.Error(), http.StatusBadRequest)
		return
	}
	reply(w, o)
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func newRouter(cfg Config, h *Handlers, log *zap.Logger, tp trace.TracerProvider, reg *prometheus.Registry) http.Handler {
	api := chi.NewRouter()
	api.Use(
		middleware.RequestID,
		observe(log, reg),
		middleware.Recoverer,
		middleware.Timeout(cfg.RequestTimeout),
	)
	api.Get("/hello", h.hello)
	api.Post("/json", h.postJSON)

	root := http.NewServeMux()
	root.Handle("/", otelhttp.NewHandler(api, "http", otelhttp.WithTracerProvider(tp)))
	root.Handle("/metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	return root
}

// observe counts and times each request by route and writes one access log line.
func observe(log *zap.Logger, reg *prometheus.Registry) func(http.Handler) http.Handler {
	seconds := promauto.With(reg).NewHistogramVec(prometheus.HistogramOpts{
		Name: "http_server_request_duration_seconds", Help: "Request time.", Buckets: prometheus.DefBuckets,
	}, []string{"method", "route", "status"})
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start := time.Now()
			ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			next.ServeHTTP(ww, r)
			route, took := chi.RouteContext(r.Context()).RoutePattern(), time.Since(start)
			status := ww.Status()
			if status == 0 {
				status = http.StatusOK
			}
			if route == "" {
				route = "unmatched"
			}
			seconds.WithLabelValues(r.Method, route, strconv.Itoa(status)).Observe(took.Seconds())
			log.Info("request",
				zap.String("method", r.Method), zap.String("route", route), zap.Int("status", status),
				zap.Int("bytes", ww.BytesWritten()), zap.Duration("took", took),
				zap.String("request_id", middleware.GetReqID(r.Context())),
				zap.String("trace_id", trace.SpanContextFromContext(r.Context()).TraceID().String()))
		})
	}
}

func serve(lc fx.Lifecycle, sd fx.Shutdowner, cfg Config, router http.Handler, log *zap.Logger) {
	srv := &http.Server{Addr: cfg.Addr, Handler: router, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			ln, err := net.Listen("tcp", srv.Addr)
			if err != nil {
				return err
			}
			log.Info("listening", zap.String("addr", ln.Addr().String()))
			go func() {
				if err := srv.Serve(ln); err != nil && !errors.Is(err, http.ErrServerClosed) {
					log.Error("server ended", zap.Error(err))
					_ = sd.Shutdown(fx.ExitCode(1))
				}
			}()
			return nil
		},
		OnStop: srv.Shutdown,
	})
}
