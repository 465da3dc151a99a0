package flags

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder/plan"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
)

// Forecast says for how many builders it is computed how long a build takes.
type Forecast struct {
	builders []int
	steps    int
}

// AddFlags adds the flags of a forecast.
func (o *Forecast) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntSliceVar(&o.builders, "builders", nil, "tell what these `numbers` of builders would take, such as 1,2,4, computed from what the stages took before")
	f.IntVar(&o.steps, "steps", 0, fmt.Sprintf("`number` of stages at once on each of --builders (default %d)", plan.StagesAtOnce))
}

// Check refuses numbers that no builders have.
func (o Forecast) Check() error {
	for _, n := range o.builders {
		if n < 1 {
			return fmt.Errorf("--builders %d: it is one or more", n)
		}
	}
	if o.steps < 0 || o.steps > 0 && !o.Asked() {
		return errors.New("--steps is a number of stages at once, and goes with --builders")
	}
	return nil
}

// Asked says whether there is a forecast to tell.
func (o Forecast) Asked() bool { return len(o.builders) > 0 }

// Write writes what there is to build, and how long that takes.
func (o Forecast) Write(p plan.Plan, json bool, s cli.Streams) error {
	forecast := p.Forecast(o.builders, o.steps)
	if json {
		return s.JSON(struct {
			Stages   []plan.Stage  `json:"stages"`
			Forecast plan.Forecast `json:"forecast"`
		}{p.Stages, forecast})
	}
	if err := p.WriteTable(s.Out); err != nil {
		return err
	}
	return forecast.WriteTable(s.Out)
}
