package builder

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/rootbuild/rootbuild/builder/engine"
)

// Step is the record of one step that was done: when, and under what name.
type Step struct {
	engine.Step
	// Builder is where it ran, as engine.Builder names it. An older rootbuild did not
	// note it, nor Run.
	Builder string `json:"builder,omitempty"`
	// Run is when the command that did it took the state: steps of one run have the same.
	Run time.Time `json:"run,omitzero"`
	// Lost: BuildKit pruned its cache since it last had the step's result, or
	// the cache is gone. It may have to do the step again.
	Lost bool `json:"-"`
}

// Step returns the record of the step whose LLB has the given digest, and
// whether there is one.
func (s *State) Step(step digest.Digest) (Step, bool, error) {
	var r Step
	found, err := s.readRecord(s.kindSteps(), step, &r)
	if !found || err != nil {
		return r, false, err
	}
	if len(s.several) == 0 {
		r.Lost, err = s.lost(s.recordPath(s.kindSteps(), step))
	}
	return r, err == nil, err
}

// kindSteps keeps the records of builders apart: each knows only its own steps. What
// several did is recorded a second time, for its results lie here.
func (s *State) kindSteps() string {
	if len(s.several) > 0 {
		return kindSeveral
	}
	if s.builder.URL == "" {
		return kindSteps
	}
	return kindSteps + "-" + filepath.Base(s.builder.Dir())
}

// kindSteps are the records of the embedded BuildKit's steps. Those of other builders
// have the name of a builder's directory behind it.
const kindSteps = "steps"

// kindSeveral are the records of the steps that several builders shared.
const kindSeveral = "steps-several"

// lost says whether BuildKit may have dropped the result that a record is of,
// since it last told that it has it. That time is the record file's own.
func (s *State) lost(record string) (bool, error) {
	seen, err := os.Stat(record)
	if err != nil {
		return true, fmt.Errorf("reading record: %w", err)
	}
	return engine.Dropped(s.BuildKit(), seen.ModTime())
}

// recordStep keeps the record of a step. One that BuildKit found in its cache keeps
// the times of the run that did it, where they are known.
func (s *State) recordStep(step engine.Step) error { return s.recordStepOn(s.builder, step) }

// recordStepOn is for one of several builders.
func (s *State) recordStepOn(b engine.Builder, step engine.Step) error {
	if step.Cached {
		_, known, err := s.Step(step.Digest)
		if err != nil {
			return err
		}
		if known {
			now := time.Now()
			return os.Chtimes(s.recordPath(s.kindSteps(), step.Digest), now, now)
		}
	}
	return s.writeRecord(s.kindSteps(), step.Digest, Step{Step: step, Builder: b.String(), Run: s.opened})
}
