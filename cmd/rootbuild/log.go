package main

import "context"

type logVerb struct{ storeOptions }

func (v *logVerb) run(_ context.Context, _ []string, s streams) error {
	view, err := v.view()
	if err != nil {
		return err
	}
	history, err := view.Switches()
	if err != nil {
		return err
	}
	return s.tell(history, v.json)
}
