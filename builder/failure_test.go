package builder_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/builder"
)

func TestStepError(t *testing.T) {
	f := newFixture(t)
	broken := f.step("package broken 1.0", "echo last words >&2; exit 3", at("broken/recipe.yaml", 7))
	after := f.step("package after 1.0", "true", mount("/broken", broken))
	engine, err := f.start()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	display, err := builder.NewDisplay(&out, "quiet")
	if err != nil {
		t.Fatal(err)
	}
	err = engine.Build(t.Context(), []builder.Job{
		{Name: "broken", Definition: marshal(t, broken), Write: drain},
		{Name: "after", Definition: marshal(t, after), Write: drain},
	}, display)
	if err := errors.Join(display.Close(), engine.Close()); err != nil {
		t.Error(err)
	}
	var step *builder.StepError
	if !errors.As(err, &step) {
		t.Fatalf("got %v, want a StepError", err)
	}
	if step.Step != "package broken 1.0" || step.At != "broken/recipe.yaml:7" || step.ExitCode != 3 {
		t.Errorf("got %+v", *step)
	}
	if want := "broken/recipe.yaml:7: package broken 1.0: exit code 3"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if want := "package broken 1.0:\nlast words\n"; out.String() != want {
		t.Errorf("the quiet display shows %q, want %q", out.String(), want)
	}
}

// Several jobs that wait for one step show it once.
func TestDisplayShared(t *testing.T) {
	f := newFixture(t)
	shared := f.step("shared", "echo working")
	var jobs []builder.Job
	for _, name := range []string{"one", "two", "three"} {
		s := f.step(name, "true # "+name, mount("/shared", shared))
		jobs = append(jobs, builder.Job{Name: name, Definition: marshal(t, s), Write: drain})
	}
	engine, err := f.start()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	display, err := builder.NewDisplay(&out, "plain")
	if err != nil {
		t.Fatal(err)
	}
	err = engine.Build(t.Context(), jobs, display)
	if err := errors.Join(err, display.Close(), engine.Close()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), " working\n"); n != 1 {
		t.Errorf("the step's log is there %d times, want once:\n%s", n, out.String())
	}
	if strings.Contains(out.String(), "level=") {
		t.Errorf("BuildKit's own log is in the display:\n%s", out.String())
	}
}

// drain consumes a tree that nobody looks at.
func drain(_ context.Context, tree io.Reader) error {
	_, err := io.Copy(io.Discard, tree)
	return err
}
