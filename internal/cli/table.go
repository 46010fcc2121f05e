package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable returns s with everything escaped that could move a cursor, forge a
// line or turn the direction of text. A space stays, any other space does not.
func printable(s string) string {
	clean := func(r rune) bool { return r == ' ' || unicode.IsPrint(r) && r != utf8.RuneError }
	if strings.IndexFunc(s, func(r rune) bool { return !clean(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case clean(r):
			b.WriteRune(r)
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// A cell is one field of a table: text that is escaped when it is printed, and
// its colour, which may be empty.
type cell struct {
	text, color string
}

// A table is printed with its columns aligned, nothing cut, one line a row.
type table struct {
	header []string
	rows   [][]cell
}

// add adds a row of plain cells. An empty text is printed as a dash, so that
// every row has the same number of words where no text holds a space.
func (t *table) add(texts ...string) {
	row := make([]cell, len(texts))
	for i, s := range texts {
		row[i].text = s
	}
	t.rows = append(t.rows, row)
}

// print writes the table.
func (t *table) print(s *screen) error {
	dash := s.glyph("–", "-")
	widths := make([]int, len(t.header))
	for i, h := range t.header {
		widths[i] = utf8.RuneCountInString(h)
	}
	for _, row := range t.rows {
		for i := range row {
			if row[i].text == "" {
				row[i].text = dash
			}
			row[i].text = printable(row[i].text)
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].text))
		}
	}
	var b strings.Builder
	line := func(n int, at func(int) cell) {
		for i := range n {
			c := at(i)
			b.WriteString(s.paint(c.color, c.text))
			if i < n-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+2))
			}
		}
		b.WriteByte('\n')
	}
	line(len(t.header), func(i int) cell { return cell{text: t.header[i]} })
	for _, row := range t.rows {
		line(len(row), func(i int) cell { return row[i] })
	}
	_, err := io.WriteString(s, b.String())
	return err
}
