package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/builder/engine"
)

func TestFindRunc(t *testing.T) {
	const seccomp = "\nspec: 1.3.0\nlibseccomp: 2.6.0"
	const hole = "CVE-2026-41579"
	for _, test := range []struct{ says, want string }{
		{"runc version 1.1.5" + seccomp, hole},
		{"runc version 1.3.5" + seccomp, hole},
		{"runc version 1.3.6" + seccomp, ""},
		{"runc version 1.4.2" + seccomp, hole},
		{"runc version 1.4.3+ds1" + seccomp, ""},
		{"runc version 1.5.0-rc.1" + seccomp, hole},
		{"runc version 1.5.0" + seccomp, ""},
		{"runc version 1.10.0" + seccomp, ""},
		{"runc version 2.0.0" + seccomp, ""},
		{"runc version 1.5.2", "seccomp"},
		{"crun version 1.21", `no version in "crun version 1.21"`},
		{"", `no version in ""`},
	} {
		t.Run(test.says, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "runc")
			script := fmt.Sprintf("#!/bin/sh\necho '%s'\n", test.says)
			if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			found, err := engine.FindRunc(t.Context(), program)
			switch {
			case test.want == "" && (err != nil || found != program):
				t.Errorf("got %q, %v, want it accepted", found, err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %q, %v, want an error with %q", found, err, test.want)
			}
		})
	}
}
