package service

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/store"
)

// The KPIs now as plain numbers, for people who look into Redis.

// shownWatermark is the one field that is no KPI.
const shownWatermark = "watermark"

// public are those that are not shown yet. What was shown by the tenure before is
// read once: a bucket may have been emptied while nobody owned the shard.
func (c *chief) public(ctx context.Context) ([]store.Field, error) {
	if c.shown == nil {
		stored, err := c.stored(ctx)
		if err != nil {
			return nil, err
		}
		c.shown = make(map[string]string, len(stored))
		for name, value := range stored {
			c.shown[name] = string(value)
		}
	}
	var figures []kpi.Figure
	err := c.reader.Running(ctx, []string{""}, func(now []kpi.Figure) { figures = now })
	if err != nil {
		return nil, err
	}
	out := make([]store.Field, 0, len(figures)+1)
	for _, f := range figures {
		name := f.KPI
		if f.Window != "" {
			name += "|" + f.Window
		}
		if f.Bucket != "" {
			name += "|" + f.Bucket
		}
		out = append(out, store.Field{Name: name, Value: []byte(f.Value)})
		if f.Value == "" {
			out[len(out)-1].Value = []byte("null")
		}
	}
	out = append(out, store.Field{Name: shownWatermark, Value: strconv.AppendInt(nil, c.reader.Watermark(), 10)})
	for name := range c.shown {
		if !slices.ContainsFunc(out, func(f store.Field) bool { return f.Name == name }) {
			out = append(out, store.Field{Name: name, Value: emptied(name)})
		}
	}
	return slices.DeleteFunc(out, func(f store.Field) bool {
		shown, ok := c.shown[f.Name]
		return ok && f.Value != nil && shown == string(f.Value)
	}), nil
}

// emptied is what is shown where there is no figure any more: 0 of a bucket,
// nothing of what is no KPI of this release or configuration.
func emptied(name string) []byte {
	name, _, _ = strings.Cut(name, "|")
	if k, ok := kpi.Lookup(name); ok && k.Bucketed() {
		return []byte("0")
	}
	return nil
}

// show takes note of what the next commit shows.
func (c *chief) show(fields []store.Field) {
	for _, f := range fields {
		if f.Value == nil {
			delete(c.shown, f.Name)
		} else {
			c.shown[f.Name] = string(f.Value)
		}
	}
}
