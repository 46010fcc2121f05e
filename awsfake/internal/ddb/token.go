package ddb

import "strings"

type tokenKind int

const (
	tokEnd   tokenKind = iota
	tokIdent           // word
	tokName            // #name
	tokValue           // :value
	tokInt             // 12
	tokPunct           // = <> < <= > >= ( ) [ ] . , + -
	tokBad
)

type token struct {
	kind     tokenKind
	text     string
	from, to int // in the source
}

// is reports whether t is the keyword or the punctuation s.
func (t token) is(s string) bool {
	switch t.kind {
	case tokIdent:
		return strings.EqualFold(t.text, s)
	case tokPunct:
		return t.text == s
	}
	return false
}

func digit(c byte) bool  { return '0' <= c && c <= '9' }
func letter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' }

// tokens splits an expression. A character that begins no token is a bad one,
// and the parser's to report.
func tokens(s string) []token {
	var toks []token
	for i := 0; ; {
		for i < len(s) && strings.IndexByte(" \t\r\n", s[i]) >= 0 {
			i++
		}
		if i == len(s) {
			return append(toks, token{tokEnd, "<EOF>", i, i})
		}
		from, kind := i, tokPunct
		c := s[i]
		i++
		switch {
		case letter(c), c == '#', c == ':':
			kind = map[byte]tokenKind{'#': tokName, ':': tokValue}[c]
			if letter(c) {
				kind = tokIdent
			}
			for i < len(s) && (letter(s[i]) || digit(s[i])) {
				i++
			}
			if kind != tokIdent && i == from+1 {
				kind = tokBad
			}
		case digit(c):
			kind = tokInt
			for i < len(s) && digit(s[i]) {
				i++
			}
		case c == '<' && i < len(s) && (s[i] == '>' || s[i] == '='), c == '>' && i < len(s) && s[i] == '=':
			i++
		case strings.IndexByte("=<>()[].,+-", c) < 0:
			kind = tokBad
		}
		toks = append(toks, token{kind, s[from:i], from, i})
	}
}
