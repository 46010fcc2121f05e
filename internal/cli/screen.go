package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"golang.org/x/term"
)

// A screen is stdout or stderr, with what may be written on it.
type screen struct {
	w io.Writer
	// terminal says that a person looks at it.
	terminal bool
	// color says that escape sequences for colours may be written.
	color bool
	// unicode says that glyphs beyond ASCII may be written.
	unicode bool
	// gone says that the reader of the stream has closed it.
	gone bool
}

// newScreen finds out what w is.
func newScreen(w io.Writer, env func(string) string) *screen {
	s := &screen{w: w, unicode: unicodeLocale(env)}
	if f, ok := w.(*os.File); ok {
		s.terminal = term.IsTerminal(int(f.Fd())) && env("TERM") != "dumb"
	}
	s.setColor("auto", env)
	return s
}

// setColor switches colours: auto, always or never.
func (s *screen) setColor(when string, env func(string) string) {
	s.color = when == "always" || when == "auto" && s.terminal && env("NO_COLOR") == ""
}

// unicodeLocale reports whether the locale's characters are UTF-8: the first of
// the three variables that is set decides.
func unicodeLocale(env func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := env(name); v != "" {
			v = strings.ToLower(strings.ReplaceAll(v, "-", ""))
			return strings.Contains(v, "utf8")
		}
	}
	return false
}

// Write writes and notices when the reader has gone away.
func (s *screen) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, fs.ErrClosed) {
		s.gone = true
	}
	return n, err
}

// colors are the escape sequences of the colours in use.
var colors = map[string]string{"red": "\x1b[31m", "yellow": "\x1b[33m", "green": "\x1b[32m", "dim": "\x1b[2m"}

// paint returns text in a colour if the screen has colours.
func (s *screen) paint(color, text string) string {
	if !s.color || colors[color] == "" {
		return text
	}
	return colors[color] + text + "\x1b[0m"
}

// glyph returns the glyph, or its ASCII form where the locale has no other.
func (s *screen) glyph(unicode, ascii string) string {
	if s.unicode {
		return unicode
	}
	return ascii
}
