package cli

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestPrintable(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain text stays", "w-a é 世界 x y", "w-a é 世界 x y"},
		{"escape sequence", "\x1b[2Jw", `\x1b[2Jw`},
		{"newline and tab", "a\nb\tc\r", `a\x0ab\x09c\x0d`},
		{"delete and C1", "\x7f\u009b", `\x7f\u009b`},
		{"direction override", "a\u202eb", `a\u202eb`},
		{"zero width", "a\u200bb\ufeff", `a\u200bb\ufeff`},
		{"no-break space", "a\u00a0b", `a\u00a0b`},
		{"not UTF-8", "a\xffb", `a\xffb`},
		{"a true replacement character", "a\ufffdb", `a\ufffdb`},
		{"beyond the basic plane", "a\U000e0001", `a\U000e0001`},
		{"a backslash stays", `a\x1b`, `a\x1b`},
	} {
		if got := printable(tt.in); got != tt.want {
			t.Errorf("%s: printable(%q) = %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

// Whatever the names in it are, a table has one line a row and moves no cursor.
func TestTableIsHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tab := table{header: []string{"A", "B"}}
		rows := rapid.IntRange(0, 5).Draw(t, "rows")
		for range rows {
			tab.add(hostile.Draw(t, "a"), hostile.Draw(t, "b"))
		}
		var out bytes.Buffer
		if err := tab.print(&screen{w: &out}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(out.String(), "\n"); got != rows+1 {
			t.Fatalf("%d lines, want %d: %q", got, rows+1, out.String())
		}
		for _, r := range strings.ReplaceAll(out.String(), "\n", "") {
			if r != ' ' && !unicode.IsPrint(r) {
				t.Fatalf("character %q in %q", r, out.String())
			}
		}
	})
}

// hostile makes texts that are rather control characters than not.
var hostile = rapid.Custom(func(t *rapid.T) string {
	if rapid.Bool().Draw(t, "bytes") {
		return string(rapid.SliceOf(rapid.Byte()).Draw(t, "raw"))
	}
	return rapid.String().Draw(t, "text")
})

func TestTableAligns(t *testing.T) {
	tab := table{header: []string{"A", "LONG", "C"}}
	tab.add("äöü", "", "1")
	tab.add("b", "x y", "\x1b")
	tab.rows[0][0].color = "red"
	for _, tt := range []struct {
		name string
		on   screen
		want string
	}{
		{"plain", screen{}, "A    LONG  C\näöü  -     1\nb    x y   \\x1b\n"},
		{"unicode", screen{unicode: true}, "A    LONG  C\näöü  –     1\nb    x y   \\x1b\n"},
		{"color", screen{color: true}, "A    LONG  C\n\x1b[31mäöü\x1b[0m  -     1\nb    x y   \\x1b\n"},
	} {
		var out bytes.Buffer
		tt.on.w = &out
		// Printing escapes in place: each print has its own rows.
		again := table{header: tab.header}
		for _, row := range tab.rows {
			again.rows = append(again.rows, append([]cell(nil), row...))
		}
		if err := again.print(&tt.on); err != nil {
			t.Fatal(err)
		}
		if out.String() != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, out.String(), tt.want)
		}
	}
}

func TestScreen(t *testing.T) {
	for _, tt := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, false},
		{map[string]string{"LANG": "en_GB.UTF-8"}, true},
		{map[string]string{"LANG": "C.utf8"}, true},
		{map[string]string{"LANG": "C"}, false},
		{map[string]string{"LC_ALL": "C", "LANG": "en_GB.UTF-8"}, false},
		{map[string]string{"LC_CTYPE": "en_GB.UTF-8", "LANG": "C"}, true},
	} {
		if got := unicodeLocale(func(k string) string { return tt.env[k] }); got != tt.want {
			t.Errorf("locale %v: got UTF-8 %v, want %v", tt.env, got, tt.want)
		}
	}
	// A buffer is no terminal: only "always" brings colour.
	for when, want := range map[string]bool{"auto": false, "never": false, "always": true} {
		s := newScreen(&bytes.Buffer{}, func(string) string { return "" })
		s.setColor(when, func(string) string { return "" })
		if got := s.paint("red", "x") != "x"; got != want {
			t.Errorf("--color %s into a pipe: coloured %v, want %v", when, got, want)
		}
	}
}
