// The Go peer of `purlin-bench once`: an fx application of 100 constructors, each with a hook that
// starts it and one that stops it. Component n needs components n-1 and n/2. It prints how many
// microseconds it took to build, to start and to stop.
package main

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"go.uber.org/fx"
)

const components = 100

var started int

// component is a type of its own for each i, as components written by hand are.
func component(i int) reflect.Type {
	field := reflect.StructField{Name: fmt.Sprintf("C%d", i), Type: reflect.TypeFor[int]()}
	return reflect.StructOf([]reflect.StructField{field})
}

// constructor is func(fx.Lifecycle, *C[i-1], *C[i/2]) *C[i].
func constructor(i int) any {
	needs := []reflect.Type{reflect.TypeFor[fx.Lifecycle]()}
	if i > 0 {
		needs = append(needs, reflect.PointerTo(component(i-1)))
	}
	if i > 2 {
		needs = append(needs, reflect.PointerTo(component(i/2)))
	}
	given := component(i)
	signature := reflect.FuncOf(needs, []reflect.Type{reflect.PointerTo(given)}, false)
	return reflect.MakeFunc(signature, func(needs []reflect.Value) []reflect.Value {
		needs[0].Interface().(fx.Lifecycle).Append(fx.Hook{
			OnStart: func(context.Context) error { started++; return nil },
			OnStop:  func(context.Context) error { started--; return nil },
		})
		return []reflect.Value{reflect.New(given)}
	}).Interface()
}

func main() {
	constructors := make([]any, components)
	for i := range constructors {
		constructors[i] = constructor(i)
	}
	// fx builds what an Invoke needs, and nothing else.
	last := []reflect.Type{reflect.PointerTo(component(components - 1))}
	invoke := reflect.MakeFunc(reflect.FuncOf(last, nil, false), func([]reflect.Value) []reflect.Value { return nil })

	begun := time.Now()
	app := fx.New(fx.NopLogger, fx.Provide(constructors...), fx.Invoke(invoke.Interface()))
	must(app.Err())
	built := time.Now()
	must(app.Start(context.Background()))
	running := time.Now()
	if started != components {
		panic(fmt.Sprintf("%d of %d were started", started, components))
	}
	must(app.Stop(context.Background()))
	stopped := time.Now()
	if started != 0 {
		panic(fmt.Sprintf("%d were not stopped", started))
	}
	fmt.Println("build", micros(begun, built))
	fmt.Println("start", micros(built, running))
	fmt.Println("stop", micros(running, stopped))
}

func micros(from, to time.Time) float64 { return float64(to.Sub(from).Nanoseconds()) / 1000 }

func must(err error) {
	if err != nil {
		panic(err)
	}
}
