package images_test

import (
	"bytes"
	"os/exec"
	"testing"

	"github.com/rootbuild/rootbuild/images"
)

// The scripts of the initramfs run as process 1, where a mistake is a panic.
func TestInitramfsShellcheck(t *testing.T) {
	shellcheck, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Skip("shellcheck is not installed")
	}
	target, err := images.Load("initramfs")
	if err != nil {
		t.Fatal(err)
	}
	scripts := 0
	for _, f := range target.Files {
		if len(f.Content) == 0 {
			continue
		}
		scripts++
		cmd := exec.Command(shellcheck, "-")
		cmd.Stdin = bytes.NewReader(f.Content)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", f.Path, err, out)
		}
	}
	if scripts != 6 {
		t.Errorf("%d scripts, want 6", scripts)
	}
}
