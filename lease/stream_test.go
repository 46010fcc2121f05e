package lease_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leasehold/leasehold/lease"
)

func TestParseStreamID(t *testing.T) {
	for _, tt := range []struct {
		name, s string
		want    lease.StreamID // zero: refused
	}{
		{"of AWS", "123456789012:stream-name:1680616058", lease.StreamID{Account: "123456789012", Name: "stream-name", Created: 1680616058}},
		{"short account", "1:s:2", lease.StreamID{Account: "1", Name: "s", Created: 2}},
		{"any name without colon", "1: /é:2", lease.StreamID{Account: "1", Name: " /é", Created: 2}},
		{"created in the last second of 63 bits", "1:s:9223372036854775807", lease.StreamID{Account: "1", Name: "s", Created: 1<<63 - 1}},
		{"zeros before the number", "1:s:007", lease.StreamID{Account: "1", Name: "s", Created: 7}},
		{"no account", ":stream-name:1680616058", lease.StreamID{}},
		{"account of letters", "12a:stream-name:1680616058", lease.StreamID{}},
		{"account of foreign digits", "١٢:stream-name:1680616058", lease.StreamID{}},
		{"no name", "123456789012::1680616058", lease.StreamID{}},
		{"no time", "123456789012:stream-name:", lease.StreamID{}},
		{"no time and no colon", "123456789012:stream-name", lease.StreamID{}},
		{"negative time", "123456789012:stream-name:-123", lease.StreamID{}},
		{"time with a sign", "123456789012:stream-name:+123", lease.StreamID{}},
		{"time 0", "123456789012:stream-name:0", lease.StreamID{}},
		{"time of letters", "123456789012:stream-name:abc", lease.StreamID{}},
		{"time beyond 63 bits", "123456789012:stream-name:9223372036854775808", lease.StreamID{}},
		{"a part too many", "1:s:2:shardId-000000000001", lease.StreamID{}},
		{"empty", "", lease.StreamID{}},
		{"colons", "::", lease.StreamID{}},
	} {
		got, err := lease.ParseStreamID(tt.s)
		if refused := tt.want == (lease.StreamID{}); got != tt.want || (err != nil) != refused {
			t.Errorf("%s: ParseStreamID(%q): got %+v, %v, want %+v, refused %v", tt.name, tt.s, got, err, tt.want, refused)
		}
	}
}

func TestSplitKey(t *testing.T) {
	for _, tt := range []struct {
		key, stream, shard string // stream empty: names none
	}{
		{"1:stream:123:shard-001", "1:stream:123", "shard-001"},
		{"1:stream:123:with:colons", "1:stream:123", "with:colons"},
		{"shardId-000000000000", "", ""},
		{"simple:key", "", ""},
		{"account:stream:123:shard-001", "", ""},
		{"1:stream:0:shard-001", "", ""},
		{"1:stream:123:", "", ""},
		{"1:stream:123", "", ""},
		{":::", "", ""},
		{"", "", ""},
	} {
		id, shard, ok := lease.SplitKey(tt.key)
		if !ok {
			if tt.stream != "" || shard != "" || id != (lease.StreamID{}) {
				t.Errorf("SplitKey(%q): got nothing, %+v and %q, want %s and %s", tt.key, id, shard, tt.stream, tt.shard)
			}
			continue
		}
		if id.String() != tt.stream || shard != tt.shard {
			t.Errorf("SplitKey(%q): got %v, %q, want %q, %q", tt.key, id, shard, tt.stream, tt.shard)
		}
	}
}

// What can be said can be read, and the key of a shard falls into the same parts.
func TestStreamIDsAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := lease.StreamID{
			Account: rapid.StringMatching(`[0-9]{0,12}`).Draw(t, "account"),
			Name:    rapid.StringN(0, 10, -1).Draw(t, "name"),
			Created: rapid.Int64().Draw(t, "created"),
		}
		shard := rapid.StringN(1, 10, -1).Draw(t, "shard")
		got, err := lease.ParseStreamID(id.String())
		if good := id.Check() == nil; good != (err == nil) || good && got != id {
			t.Fatalf("%q: Check: %v, ParseStreamID: %+v, %v", id, id.Check(), got, err)
		}
		if err == nil {
			if s, sh, ok := lease.SplitKey(id.Key(shard)); !ok || s != id || sh != shard {
				t.Fatalf("SplitKey(%q): got %+v, %q, %v", id.Key(shard), s, sh, ok)
			}
		}
	})
}

// FuzzStreamID reads any text; what may be read is an expression.
func FuzzStreamID(f *testing.F) {
	for _, s := range []string{"1:s:2", "1:s:2:shard", "::", "a:s:1", "1:s:01", "1:s:0"} {
		f.Add(s)
	}
	form := regexp.MustCompile(`^([0-9]+):([^:]+):([0-9]+)$`)
	f.Fuzz(func(t *testing.T, s string) {
		id, err := lease.ParseStreamID(s)
		parts := form.FindStringSubmatch(s)
		if parts == nil {
			if err == nil {
				t.Fatalf("%q: got %+v, want an error", s, id)
			}
			return
		}
		created, bad := strconv.ParseInt(parts[3], 10, 64)
		if good := bad == nil && created > 0; good != (err == nil) || good && id != (lease.StreamID{Account: parts[1], Name: parts[2], Created: created}) {
			t.Fatalf("%q: got %+v, %v", s, id, err)
		}
		if _, _, ok := lease.SplitKey(s + ":x"); ok != (err == nil) {
			t.Fatalf("%q with a shard: %v", s, ok)
		}
	})
}

func TestCheckStream(t *testing.T) {
	for _, tt := range []struct {
		key, stream, shard string
		want               string // part of the reason
	}{
		{"1:s:2:a", "1:s:2", "a", ""},
		{"1:s:2:a", "", "a", "stream is not set"},
		{"1:s:2:a", "1:s:2", "", "shard is not set"},
		{"1:s:2:a", "s", "a", `stream "s" is not account:name:created`},
		{"a", "1:s:2", "a", `key "a" is not "1:s:2:a"`},
		{"1:s:2:b", "1:s:2", "a", `key "1:s:2:b" is not "1:s:2:a"`},
	} {
		err := (&lease.Lease{Key: tt.key, Stream: tt.stream, Shard: tt.shard}).CheckStream()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("key %q, stream %q, shard %q: got %v, want %q", tt.key, tt.stream, tt.shard, err, tt.want)
		}
	}
}

// The lease of a shard, in the table of an application that reads several
// streams.
func ExampleStreamID() {
	id, err := lease.ParseStreamID("123456789012:orders:1680616058")
	if err != nil {
		panic(err)
	}
	l := lease.Lease{
		Key:        id.Key("shardId-000000000007"),
		Stream:     id.String(),
		Shard:      "shardId-000000000007",
		Checkpoint: lease.TrimHorizon,
	}
	fmt.Println(id.Name, l.Key, l.CheckStream())
	// Output: orders 123456789012:orders:1680616058:shardId-000000000007 <nil>
}
