package base_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootbuild/rootbuild/builder/base"
)

func TestArgs(t *testing.T) {
	aptHost{
		sources: "deb http://a.example.org/debian bookworm main\n",
		conf:    `Acquire::http::Proxy "http://127.0.0.1:3142";`,
	}.use(t)
	small := []string{"file", "make"}
	for _, tt := range []struct {
		name string
		opts base.Options
		want []string // without the options that are the same in every run
	}{
		{"host's mirror", base.Options{Packages: small}, []string{
			"--include=file,make",
			`--aptopt=Acquire::http::Proxy "http://127.0.0.1:3142";`,
			"trixie", "-", "deb http://a.example.org/debian trixie main",
		}},
		{"mirror named", base.Options{Packages: small, Suite: "forky", Mirror: "http://127.0.0.1/debian"}, []string{
			"--include=file,make",
			`--aptopt=Acquire::http::Proxy "http://127.0.0.1:3142";`,
			"forky", "-", "deb http://127.0.0.1/debian forky main",
		}},
		{"line of sources.list", base.Options{Packages: small, Mirror: "deb [trusted=yes] file:/srv/debian trixie main"}, []string{
			"--include=file,make",
			`--aptopt=Acquire::http::Proxy "http://127.0.0.1:3142";`,
			"trixie", "-", "deb [trusted=yes] file:/srv/debian trixie main",
		}},
		{"host tools", base.Options{}, []string{
			"--include=" + strings.Join(base.HostTools, ","),
			`--aptopt=Acquire::http::Proxy "http://127.0.0.1:3142";`,
			"trixie", "-", "deb http://a.example.org/debian trixie main",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args, err := base.Args(t.Context(), tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, slices.DeleteFunc(args, constant)); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
		})
	}
}

func constant(arg string) bool {
	return slices.ContainsFunc([]string{"--mode=", "--variant=", "--format=", "--dpkgopt=", "--customize-hook="},
		func(p string) bool { return strings.HasPrefix(arg, p) })
}

func TestTail(t *testing.T) {
	long := strings.Repeat("I: noise\n", 100)
	for _, tt := range []struct{ name, log, want string }{
		{"nothing", "", ""},
		{"short", "I: one\nE: two\n", "I: one\nE: two"},
		{"long", long + "E: cause\n", strings.Repeat("I: noise\n", 14) + "E: cause"},
		{"cut off in a line", long + "E: cau", strings.Repeat("I: noise\n", 15) + "E: cau"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := base.Tail(tt.log); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
