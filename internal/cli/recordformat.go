package cli

import (
	"bufio"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leasehold/leasehold/stream"
)

// A recordPrinter writes records in one form.
type recordPrinter interface {
	record(shard string, b *stream.Batch, r *stream.Record) error
	close() error
}

// recordPrinter finds the form that was asked for. FormatGiven says that -f was
// given, which must then agree with -o.
func (p *program) recordPrinter(out *bufio.Writer, name string, f consumeFlags, formatGiven bool) (recordPrinter, error) {
	if !slices.Contains([]string{"auto", "text", "base64", "none"}, f.data) {
		return nil, usage("--data %q: want auto, text, base64 or none", f.data)
	}
	if formatGiven && f.format != "jsonl" && p.flags.output != "table" {
		return nil, usage("-f %q and -o %s cannot be had together", f.format, p.flags.output)
	}
	switch f.format {
	case "jsonl":
		return &recordObjects{jsonWriter: jsonWriter{w: out, array: p.flags.output == "json"}, stream: name, data: f.data}, nil
	case "data":
		return &recordTemplate{out: out, data: f.data, parts: []templatePart{{verb: 'd'}, {text: "\n"}}, escape: p.stdout.terminal, raw: true}, nil
	}
	parts, err := parseTemplate(f.format)
	if err != nil {
		return nil, err
	}
	return &recordTemplate{out: out, data: f.data, parts: parts, escape: p.stdout.terminal}, nil
}

// recordObject is a record as JSON.
type recordObject struct {
	head
	Stream    string  `json:"stream"`
	Shard     string  `json:"shard"`
	Sequence  string  `json:"sequence"`
	Sub       int64   `json:"sub"`
	Key       string  `json:"key"`
	HashKey   *string `json:"hash_key"`
	ArrivedAt *string `json:"arrived_at"`
	BehindMS  int64   `json:"behind_ms"`
	Token     *int64  `json:"token"`
	// DeliveredAt is when a worker printed the record.
	DeliveredAt *string `json:"delivered_at"`
	Data        *string `json:"data"`
	DataBase64  *string `json:"data_base64"`
}

// recordObjects prints records as JSON.
type recordObjects struct {
	jsonWriter
	stream, data string
	// token and delivered are those of the records to come, nil without an
	// application.
	token     *int64
	delivered *string
}

func (o *recordObjects) record(shard string, b *stream.Batch, r *stream.Record) error {
	v := recordObject{
		head:      kind("record"),
		Stream:    o.stream,
		Shard:     shard,
		Sequence:  r.Sequence.String(),
		Sub:       r.Sub,
		Key:       r.PartitionKey,
		ArrivedAt: instant(r.ArrivedAt()),
		BehindMS:  b.Behind.Milliseconds(),

		Token:       o.token,
		DeliveredAt: o.delivered,
	}
	switch text, encoding := dataText(r.Data, o.data); encoding {
	case "text":
		v.Data = &text
	case "base64":
		v.DataBase64 = &text
	}
	return o.object(v)
}

// dataText returns data in the form asked for, and which form that is.
func dataText(data []byte, form string) (text, encoding string) {
	if form == "auto" {
		form = "base64"
		if utf8.Valid(data) {
			form = "text"
		}
	}
	switch form {
	case "text":
		return string(data), form
	case "base64":
		return base64.StdEncoding.EncodeToString(data), form
	}
	return "", form
}

// A templatePart is literal text or one field of a record.
type templatePart struct {
	text string
	verb byte
}

// parseTemplate reads a template.
func parseTemplate(s string) ([]templatePart, error) {
	var parts []templatePart
	verbs := false
	for i := 0; i < len(s); i++ {
		if s[i] != '%' && s[i] != '\\' || i+1 == len(s) {
			parts = append(parts, templatePart{text: s[i : i+1]})
			continue
		}
		i++
		switch c := s[i]; {
		case s[i-1] == '%' && c == '%', s[i-1] == '\\' && c == '\\':
			parts = append(parts, templatePart{text: string(c)})
		case s[i-1] == '%' && strings.IndexByte("tpksSlad", c) >= 0:
			parts, verbs = append(parts, templatePart{verb: c}), true
		case s[i-1] == '\\' && c == 'n':
			parts = append(parts, templatePart{text: "\n"})
		case s[i-1] == '\\' && c == 't':
			parts = append(parts, templatePart{text: "\t"})
		default:
			return nil, usage("format %q: %s means nothing", s, s[i-1:i+1]).hinted(`a template has %%t %%p %%k %%s %%S %%l %%a %%d %%%% and \n \t \\`)
		}
	}
	if !verbs {
		return nil, usage("format %q: want jsonl, data or a template with fields such as %%d", s)
	}
	return parts, nil
}

// recordTemplate prints records by a template.
type recordTemplate struct {
	out   *bufio.Writer
	data  string
	parts []templatePart
	// escape makes text harmless to a terminal.
	escape bool
	// raw prints data as it is, whatever its bytes, unless another form was
	// asked for.
	raw bool
}

func (t *recordTemplate) record(shard string, _ *stream.Batch, r *stream.Record) error {
	for _, part := range t.parts {
		var s string
		switch part.verb {
		case 0:
			t.out.WriteString(part.text)
			continue
		case 't':
			s = *instant(r.ArrivedAt())
		case 'p':
			s = shortShard(shard)
		case 'k':
			s = t.safe(r.PartitionKey)
		case 's':
			s = r.Sequence.String()
		case 'S':
			s = strconv.FormatInt(r.Sub, 10)
		case 'l':
			s = strconv.Itoa(len(r.Data))
		case 'a':
			s = max(0, time.Since(r.ArrivedAt())).Round(time.Millisecond).String()
		case 'd':
			if t.raw && t.data == "auto" && !t.escape {
				t.out.Write(r.Data)
				continue
			}
			text, _ := dataText(r.Data, t.data)
			s = t.safe(text)
		}
		t.out.WriteString(s)
	}
	// A bufio.Writer keeps its first error for ever: one look is enough.
	_, err := t.out.Write(nil)
	return err
}

// safe escapes text for a terminal, line by line.
func (t *recordTemplate) safe(s string) string {
	if !t.escape {
		return s
	}
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

func (t *recordTemplate) close() error { return nil }
