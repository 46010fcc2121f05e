package leasehold_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// An event is one by its name: what the sources of the packages that log say of it.
type event struct {
	at string // where it was found first
	// levels and causes are those that stand beside the name. Where they are
	// computed, none is here.
	levels, causes []string
}

// eventName is how events are called: two words with a dot between. Nothing else
// in these packages looks like that.
var eventName = regexp.MustCompile(`^[a-z]+\.[a-z]+$`)

// docs/operating.md tells what every event means and what to do. It has a row for
// each that a worker can log, and for no other.
func TestEveryEventIsDocumented(t *testing.T) {
	logged := make(map[string]*event)
	for _, dir := range []string{".", "internal/coordinator", "internal/consume"} {
		eventsOf(t, dir, logged)
	}
	if len(logged) < 30 {
		t.Errorf("only %d events found in the sources: the test looks for them in a wrong way", len(logged))
	}
	rows := eventRows(t, "docs/operating.md")
	for name, e := range logged {
		row, ok := rows[name]
		if !ok {
			t.Errorf("%s: %s is not in docs/operating.md", e.at, name)
			continue
		}
		for _, level := range e.levels {
			if !strings.Contains(row.level, level) {
				t.Errorf("docs/operating.md: %s has level %q, but %s logs it as %q", name, row.level, e.at, level)
			}
		}
		for _, cause := range e.causes {
			if !strings.Contains(row.means, "`"+cause+"`") {
				t.Errorf("docs/operating.md: %s lacks the cause %q", name, cause)
			}
		}
	}
	for name := range rows {
		if logged[name] == nil {
			t.Errorf("docs/operating.md: %s is no event", name)
		}
	}
}

type eventRow struct{ level, means string }

// eventRows reads the tables whose rows begin with an event's name: the name, its
// level, what it means, what to do.
func eventRows(t *testing.T, path string) map[string]eventRow {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string]eventRow)
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|") // with one before the first and one after the last
		if len(cells) < 2 {
			continue
		}
		name := strings.Trim(cells[1], " `")
		if !eventName.MatchString(name) {
			continue
		}
		if len(cells) != 6 {
			t.Errorf("%s: the row of %s has %d cells, want 4", path, name, len(cells)-2)
			continue
		}
		if _, twice := rows[name]; twice {
			t.Errorf("%s: %s has two rows", path, name)
		}
		rows[name] = eventRow{cells[2], cells[3]}
	}
	return rows
}

// eventsOf finds the events of a package.
func eventsOf(t *testing.T, dir string, found map[string]*event) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		add := func(e ast.Expr, level, cause string) {
			name := literal(e)
			if name == "" {
				return // a name that is found where it is written
			}
			at := fset.Position(e.Pos()).String()
			if !eventName.MatchString(name) {
				t.Errorf("%s: %q is logged, and is not the name of an event", at, name)
				return
			}
			if found[name] == nil {
				found[name] = &event{at: at}
			}
			if level != "" {
				found[name].levels = append(found[name].levels, level)
			}
			if cause != "" {
				found[name].causes = append(found[name].causes, cause)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if eventName.MatchString(literal(n)) {
					add(n, "", "")
				}
			case *ast.CallExpr:
				if i, level := message(n); i < len(n.Args) {
					add(n.Args[i], level, "")
				}
			case *ast.CompositeLit:
				if id, ok := n.Type.(*ast.Ident); ok && id.Name == "Notice" {
					name, level, cause := notice(n)
					add(name, level, cause)
				}
			}
			return true
		})
	}
}

// levelNames are slog's levels as the document calls them.
var levelNames = map[string]string{"Debug": "debug", "Info": "info", "Warn": "warning", "Error": "error"}

// message says which argument of a call is the message of a log line, and its
// level if that stands there. An index past the arguments means that it is no such
// call.
func message(n *ast.CallExpr) (arg int, level string) {
	f, ok := n.Fun.(*ast.SelectorExpr)
	if !ok {
		return len(n.Args), ""
	}
	if level, ok := levelNames[f.Sel.Name]; ok {
		return 0, level
	}
	if f.Sel.Name != "LogAttrs" || len(n.Args) < 3 {
		return len(n.Args), ""
	}
	if s, ok := n.Args[1].(*ast.SelectorExpr); ok {
		level = levelNames[strings.TrimPrefix(s.Sel.Name, "Level")]
	}
	return 2, level
}

// notice reads a Notice of the coordinator.
func notice(n *ast.CompositeLit) (name ast.Expr, level, cause string) {
	level = "info"
	for _, e := range n.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		switch kv.Key.(*ast.Ident).Name {
		case "Name":
			name = kv.Value
		case "Warn":
			level = ""
			if id, ok := kv.Value.(*ast.Ident); ok && id.Name == "true" {
				level = "warning"
			}
		case "Cause":
			cause = literal(kv.Value)
		}
	}
	return name, level, cause
}

// literal is the value of a string that is written out, empty for anything else.
func literal(e ast.Expr) string {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(l.Value)
	if err != nil {
		return ""
	}
	return s
}
