package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// groupLog prints the events of a worker on stderr: a line each for people, or
// an object each.
type groupLog struct {
	p                   *program
	app, stream, worker string
	attrs               []slog.Attr
}

// Enabled is part of [slog.Handler].
func (g *groupLog) Enabled(_ context.Context, level slog.Level) bool {
	switch {
	case g.p.flags.quiet:
		return level >= slog.LevelError
	case g.p.flags.verbose:
		return true
	}
	return level >= slog.LevelInfo
}

// WithAttrs is part of [slog.Handler].
func (g *groupLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *g
	c.attrs = append(g.attrs[:len(g.attrs):len(g.attrs)], attrs...)
	return &c
}

// WithGroup is part of [slog.Handler]. The worker's events have no groups.
func (g *groupLog) WithGroup(string) slog.Handler { return g }

// A groupEvent is an event as JSON.
type groupEvent struct {
	head
	At     *string        `json:"at"`
	Level  string         `json:"level"`
	Event  string         `json:"event"`
	App    string         `json:"app"`
	Stream string         `json:"stream"`
	Worker string         `json:"worker"`
	Shard  *string        `json:"shard"`
	Token  *int64         `json:"token"`
	Cause  *string        `json:"cause"`
	Other  *string        `json:"other"`
	Err    *string        `json:"err"`
	Detail map[string]any `json:"detail"`
}

// Handle prints an event.
func (g *groupLog) Handle(_ context.Context, r slog.Record) error {
	e := groupEvent{
		head:   kind("event"),
		At:     instant(r.Time),
		Level:  strings.ToLower(r.Level.String()),
		Event:  r.Message,
		App:    g.app,
		Stream: g.stream,
		Detail: map[string]any{},
	}
	var err error
	add := func(a slog.Attr) bool {
		v := a.Value.Resolve()
		switch a.Key {
		case "app", "stream":
		case "worker":
			e.Worker = v.String()
		case "shard":
			e.Shard = orNull(v.String())
		case "token":
			if v.Kind() == slog.KindInt64 && v.Int64() != 0 {
				e.Token = new(v.Int64())
			}
		case "cause":
			e.Cause = orNull(v.String())
		case "other":
			e.Other = orNull(v.String())
		case "err":
			err, _ = v.Any().(error)
			e.Err = orNull(v.String())
		default:
			e.detail(a.Key, v)
		}
		return true
	}
	for _, a := range g.attrs {
		add(a)
	}
	r.Attrs(add)
	if g.hidden(&e, err) {
		return nil
	}
	if g.p.flags.output != "table" {
		j := jsonWriter{w: g.p.stderr}
		return j.object(e)
	}
	if err != nil {
		// In the words of every other message of this command.
		e.Err = orNull(classify(err).Why)
	}
	if text := e.text(g.p.flags.verbose); text != "" {
		_, werr := fmt.Fprintln(g.p.stderr, printable(text))
		return werr
	}
	return nil
}

// detail keeps an attribute that has no field of its own. Durations are whole
// milliseconds, as everywhere in JSON.
func (e *groupEvent) detail(key string, v slog.Value) {
	switch v.Kind() {
	case slog.KindDuration:
		e.Detail[key+"_ms"] = v.Duration().Milliseconds()
	case slog.KindTime:
		e.Detail[key+"_at"] = instant(v.Time())
	case slog.KindInt64:
		e.Detail[key] = v.Int64()
	default:
		e.Detail[key] = v.String()
	}
}

// hidden says which events tell nothing: that the handler refused a batch
// because nothing more is wanted, and the second of two of one stop.
func (g *groupLog) hidden(e *groupEvent, err error) bool {
	return errors.Is(err, errEnough) || e.Event == "worker.stopping" && e.Cause == nil
}

// text is the event for people; empty for one that only matters to those who
// look closer.
func (e *groupEvent) text(verbose bool) string {
	shard, cause, other := "", value(e.Cause), value(e.Other)
	if e.Shard != nil {
		shard = "shard " + shortShard(*e.Shard)
	}
	why := ""
	if cause != "" {
		why = " (" + cause + ")"
	}
	switch e.Event {
	case "lease.gained":
		if other != "" {
			return fmt.Sprintf("%s taken from %s%s", shard, other, why)
		}
		return shard + " gained" + why
	case "lease.lost":
		switch {
		case cause == "deadline":
			return shard + " lost: its lease was not renewed in time"
		case other != "":
			return fmt.Sprintf("%s lost to %s%s", shard, other, why)
		}
		return shard + " lost" + why
	case "lease.released":
		if other != "" {
			return fmt.Sprintf("%s handed to %s%s", shard, other, why)
		}
		return shard + " released" + why
	case "handoff.overdue":
		return fmt.Sprintf("%s: the handoff to %s takes too long; its handler is cut short", shard, other)
	case "lease.abandoned":
		if e.Err != nil {
			return shard + " left to expire: " + *e.Err
		}
		return shard + " left to expire"
	case "lease.declined":
		return shard + " not taken: its handler from before has not returned"
	case "shard.ended":
		return shard + " read to its end"
	case "shard.unread":
		return shard + " is open, and finished by its lease: nobody reads it; a stream that was deleted and made again needs a new lease table"
	case "worker.started":
		return fmt.Sprintf("worker %s of %s started", e.Worker, e.App)
	case "worker.renamed":
		return fmt.Sprintf("another process goes by the name %v; this worker is %s", e.Detail["configured"], e.Worker)
	case "worker.stopping":
		if e.Err != nil {
			return "stopping: " + *e.Err
		}
		return "stopping: finishing what is begun, storing checkpoints, handing over"
	case "worker.stopped":
		return "stopped after " + (time.Duration(detailMS(e, "took_ms")) * time.Millisecond).String()
	case "table.created":
		return "lease table " + e.App + " created"
	case "leader.resigned":
		return "no longer the leader" + why
	case "read.failed":
		return shard + " cannot be read, trying again: " + value(e.Err)
	case "read.throttled":
		return shard + ": reads are throttled: " + value(e.Err)
	case "table.unreachable":
		if shard != "" {
			shard += ": "
		}
		return shard + "the lease table cannot be used, trying again: " + value(e.Err)
	case "row.unreadable":
		return "a lease that cannot be read stays as it is, and nobody processes its shard: " + value(e.Err)
	case "position.foreign":
		return shard + " cannot be read: its checkpoint is of another stream: " + value(e.Err)
	case "handler.slow":
		return fmt.Sprintf("%s: its handler has not returned for %v", shard, time.Duration(detailMS(e, "running_for_ms"))*time.Millisecond)
	case "position.trimmed":
		return shard + ": records were trimmed before they could be read"
	case "records.skipped":
		return shard + ": the stream no longer has it; records were skipped"
	}
	if !verbose && e.Level == "info" {
		return ""
	}
	return e.plain(shard, why, other)
}

// plain is an event that has no sentence of its own.
func (e *groupEvent) plain(shard, why, other string) string {
	text := e.Event + why
	if shard != "" {
		text = shard + ": " + text
	}
	if other != "" {
		text += ", " + other
	}
	if e.Err != nil {
		text += ": " + *e.Err
	}
	return text
}

func detailMS(e *groupEvent, key string) int64 {
	n, _ := e.Detail[key].(int64)
	return n
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
