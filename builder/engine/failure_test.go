package engine_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/builder/buildertest"
	"github.com/rootbuild/rootbuild/builder/engine"
)

func TestStepError(t *testing.T) {
	f := buildertest.New(t)
	broken := f.Step("package broken 1.0", "echo last words >&2; exit 3", buildertest.At("broken/recipe.yaml", 7))
	after := f.Step("package after 1.0", "true", buildertest.Mount("/broken", broken))
	e, err := f.Start()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	display, err := engine.NewDisplay(&out, "quiet")
	if err != nil {
		t.Fatal(err)
	}
	err = e.Build(t.Context(), []engine.Job{
		{Name: "broken", Definition: buildertest.Marshal(t, broken), Write: drain},
		{Name: "after", Definition: buildertest.Marshal(t, after), Write: drain},
	}, engine.Watch{Display: display})
	if err := errors.Join(display.Close(), e.Close()); err != nil {
		t.Error(err)
	}
	var step *engine.StepError
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
	f := buildertest.New(t)
	shared := f.Step("shared", "echo working")
	var jobs []engine.Job
	for _, name := range []string{"one", "two", "three"} {
		s := f.Step(name, "true # "+name, buildertest.Mount("/shared", shared))
		jobs = append(jobs, engine.Job{Name: name, Definition: buildertest.Marshal(t, s), Write: drain})
	}
	e, err := f.Start()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	display, err := engine.NewDisplay(&out, "plain")
	if err != nil {
		t.Fatal(err)
	}
	err = e.Build(t.Context(), jobs, engine.Watch{Display: display})
	if err := errors.Join(err, display.Close(), e.Close()); err != nil {
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
