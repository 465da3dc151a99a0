package nfsroot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Collect moves the roots that nothing holds to the trash, and deletes what
// nothing holds there, as Plan says under the same policy. It returns the plan
// that it followed.
func (s *Store) Collect(ctx context.Context, p Policy) (Plan, error) {
	if p.Now.IsZero() {
		p.Now = time.Now()
	}
	plan, err := s.Plan(p)
	if err != nil {
		return Plan{}, err
	}
	if err := s.collect(ctx, plan, p.Now); err != nil {
		return Plan{}, fmt.Errorf("collecting nfsroot %s: %w; what is done is done, run it again for the rest", s.dir, err)
	}
	return plan, nil
}

func (s *Store) collect(ctx context.Context, plan Plan, now time.Time) error {
	// First, for an entry names what is there.
	if err := s.renew(ctx, plan.going()...); err != nil {
		return err
	}
	for _, r := range plan.Roots {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(r.Kept) > 0 {
			continue
		}
		if err := s.discard(r.Tag, now); err != nil {
			return fmt.Errorf("moving %s to the trash: %w", r.Tag, err)
		}
	}
	for _, t := range plan.Trash {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(t.Kept) > 0 {
			continue
		}
		if err := s.delete(t); err != nil {
			return fmt.Errorf("deleting %s from the trash: %w", t.Tag, err)
		}
	}
	return nil
}

// HeldRootError says that a root cannot be removed, and what holds it.
type HeldRootError struct {
	Tag  string
	Held []Reason
}

// Error names every holder.
func (e *HeldRootError) Error() string {
	var why []string
	for _, r := range e.Held {
		why = append(why, r.String())
	}
	return fmt.Sprintf("root %s stays: %s", e.Tag, strings.Join(why, "; "))
}

// Remove moves roots to the trash, where a later collection deletes them. It
// moves all or, with a *[HeldRootError] for each that is current or in use,
// none. A tag that the store does not have is an error that wraps
// [ErrNoRoot].
func (s *Store) Remove(ctx context.Context, tags []string, sources Sources) error {
	if err := s.remove(ctx, tags, sources); err != nil {
		return fmt.Errorf("removing from nfsroot %s: %w", s.dir, err)
	}
	return nil
}

func (s *Store) remove(ctx context.Context, tags []string, sources Sources) error {
	facts, err := s.gather(Policy{Sources: sources})
	if err != nil {
		return err
	}
	var errs []error
	for _, tag := range tags {
		isTag := func(r Root) bool { return r.Tag == tag }
		if !slices.ContainsFunc(facts.roots, isTag) {
			errs = append(errs, fmt.Errorf("%q: %w", tag, noRoot(facts.roots)))
		} else if held := facts.holds(tag); len(held) > 0 {
			errs = append(errs, &HeldRootError{tag, held})
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w; nothing was changed", err)
	}
	if err := s.renew(ctx, tags...); err != nil {
		return fmt.Errorf("%w; no root was removed", err)
	}
	now := time.Now()
	for _, tag := range tags {
		if err := ctx.Err(); err != nil {
			return err
		}
		// A tag may be named twice.
		if there, err := s.exists(tag); err != nil {
			return err
		} else if !there {
			continue
		}
		if err := s.discard(tag, now); err != nil {
			return fmt.Errorf("moving %s to the trash: %w", tag, err)
		}
	}
	return nil
}
