package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
	found, err := s.Read(s.kindSteps(), step, &r)
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
		return KindSeveral
	}
	if s.builder.URL == "" {
		return KindSteps
	}
	return KindSteps + "-" + filepath.Base(s.builder.Dir())
}

// lost says whether BuildKit may have dropped the result that a record is of,
// since it last told that it has it. That time is the record file's own.
func (s *State) lost(record string) (bool, error) {
	seen, err := os.Stat(record)
	if err != nil {
		return true, fmt.Errorf("reading record: %w", err)
	}
	return engine.Dropped(s.BuildKit(), seen.ModTime())
}

// RecordStep keeps the record of a step. One that BuildKit found in its cache keeps
// the times of the run that did it, where they are known.
func (s *State) RecordStep(step engine.Step) error { return s.RecordStepOn(s.builder, step) }

// RecordStepOn is for one of several builders.
func (s *State) RecordStepOn(b engine.Builder, step engine.Step) error {
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
	return s.Write(s.kindSteps(), step.Digest, Step{Step: step, Builder: b.String(), Run: s.opened})
}

// LastStep is the record of when a step ran last, on whatever builder, and whether there
// is one.
func (s *State) LastStep(step digest.Digest) (last Step, known bool, err error) {
	kinds, err := os.ReadDir(filepath.Join(s.dir, "records"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return last, false, err
	}
	for _, k := range kinds {
		kind := k.Name()
		if kind != KindSteps && !strings.HasPrefix(kind, KindSteps+"-") {
			continue
		}
		var r Step
		found, err := s.Read(kind, step, &r)
		if err != nil {
			return last, false, err
		}
		if !found || r.Cached || known && !r.Completed.After(last.Completed) {
			continue
		}
		last, known = r, true
		if kind == KindSteps {
			last.Builder = engine.Builder{}.String()
		}
	}
	return last, known, nil
}
