package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A defect is a change that makes the code wrong, and the tests that must notice.
type defect struct {
	name   string // its file's, below the folder of defects and without .txt
	why    string
	tests  []test
	edits  []edit
	panics bool // a test may notice by a panic
}

// A test is one test or subtest.
type test struct {
	pkg  string // such as "./lease"
	name string // such as "TestRenew" or "TestRenew/late"
}

func (t test) String() string { return t.pkg + " " + t.name }

// An edit is all that a defect changes in one file.
type edit struct {
	file   string // slash-separated, below the module's root
	blocks []block
}

// A block is lines to find, and lines to put in their place.
type block struct{ old, new []string }

// readDefects reads the defects in and below a folder whose names match, in the
// order of their names.
func readDefects(dir string, match *regexp.Regexp) ([]defect, error) {
	var found []defect
	var errs []error
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".txt" {
			return err
		}
		name := strings.TrimSuffix(path, ".txt")
		if !match.MatchString(name) {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			return err
		}
		def, err := parseDefect(name, string(text))
		if err != nil {
			errs = append(errs, fmt.Errorf("defect %s: %w", name, err))
		}
		found = append(found, def)
		return nil
	})
	return found, errors.Join(append(errs, err)...)
}

// parseDefect reads a defect's file.
func parseDefect(name, text string) (defect, error) {
	d := defect{name: name}
	var open bool // the last block can still grow
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		mistake := func(format string, args ...any) (defect, error) {
			return d, fmt.Errorf("line %d: %s", n, fmt.Sprintf(format, args...))
		}
		switch {
		case strings.TrimSpace(line) == "":
			open = false
		case strings.HasPrefix(line, "-"), strings.HasPrefix(line, "+"):
			if len(d.edits) == 0 {
				return mistake("a change before any file")
			}
			e := &d.edits[len(d.edits)-1]
			removes := line[0] == '-'
			if !open || removes && len(e.blocks[len(e.blocks)-1].new) > 0 {
				if !removes {
					return mistake("a block begins with a line to find (-)")
				}
				e.blocks = append(e.blocks, block{})
				open = true
			}
			b := &e.blocks[len(e.blocks)-1]
			if removes {
				b.old = append(b.old, line[1:])
			} else {
				b.new = append(b.new, line[1:])
			}
		case strings.HasPrefix(line, "#"):
			d.why = strings.TrimSpace(d.why + " " + strings.TrimSpace(line[1:]))
		case key == "test":
			pkg, name, ok := strings.Cut(value, " ")
			if !ok || !strings.HasPrefix(pkg, "./") || !strings.HasPrefix(name, "Test") {
				return mistake("want test: ./package TestName, got %q", line)
			}
			d.tests = append(d.tests, test{pkg, name})
		case key == "file":
			if !filepath.IsLocal(value) {
				return mistake("file %q is not one of the module", value)
			}
			d.edits = append(d.edits, edit{file: value})
			open = false
		case key == "how" && value == "panic":
			d.panics = true
		default:
			return mistake("cannot read %q", line)
		}
	}
	if err := lines.Err(); err != nil {
		return d, err
	}
	switch {
	case d.why == "":
		return d, errors.New("it does not say why (#)")
	case len(d.tests) == 0:
		return d, errors.New("it names no test")
	case len(d.edits) == 0:
		return d, errors.New("it names no file")
	}
	for _, e := range d.edits {
		if len(e.blocks) == 0 {
			return d, fmt.Errorf("it changes nothing in %s", e.file)
		}
	}
	return d, nil
}

// apply returns a file's text with the blocks replaced. Each must be found exactly
// once, or the defect is no longer about this file.
func apply(text string, blocks []block) (string, error) {
	lines := strings.Split(text, "\n")
	for _, b := range blocks {
		at, found := 0, 0
		for i := range len(lines) - len(b.old) + 1 {
			if equalLines(lines[i:i+len(b.old)], b.old) {
				at = i
				found++
			}
		}
		if found != 1 {
			return "", fmt.Errorf("%d places have the lines that begin with %q, want 1", found, strings.TrimSpace(b.old[0]))
		}
		changed := append([]string{}, lines[:at]...)
		changed = append(changed, b.new...)
		lines = append(changed, lines[at+len(b.old):]...)
	}
	return strings.Join(lines, "\n"), nil
}

func equalLines(a, b []string) bool {
	for i := range b {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
