package main

import (
	"context"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/spf13/cobra"
)

// verb is a verb of the command: its texts, what it takes, and what it does.
type verb struct {
	use, short, example, long string

	args cobra.PositionalArgs
	do   action
}

// action is what a verb does, with the flags that say how.
type action interface {
	addFlags(*cobra.Command)
	run(context.Context, []string, cli.Streams) error
}

// noFlags is the part of an action that has none.
type noFlags struct{}

func (noFlags) addFlags(*cobra.Command) {}

// verbGroup is verbs by what people do.
type verbGroup struct {
	title string
	verbs []verb
}

func verbGroups() []verbGroup {
	return []verbGroup{{"look", []verb{
		{"targets", "list the embedded targets", "targets", "", cli.NoArgs, targetsVerb{}},
		{"plan --target TARGET", "show each stage of a target: cached, or to build and why", "plan --target uclibc", "", cli.NoArgs, new(planVerb)},
		{"graph --target TARGET", "show which stage is built with which", "graph --target uclibc --format dot | dot -Tsvg >uclibc.svg", "", cli.NoArgs, new(graphVerb)},
		{"report --target TARGET", "write a page about the last build of a target", "report --target uclibc -o report.html", longHelp("report"), cli.NoArgs, new(reportVerb)},
		{"ls", "list the node roots; * marks current", "ls", longHelp("ls"), cli.NoArgs, new(listVerb)},
		{"log", "show every switch of current, the newest last", "log", "", cli.NoArgs, new(logVerb)},
		{"diff A B", "compare two node roots: packages, then files", "diff uclibc-0123456789ab current", longHelp("diff"), tagArgs(2), new(diffVerb)},
		{"sbom TAG|LAYOUT|REF", "print an image's bill of materials, or its sources", "sbom uclibc >uclibc.spdx.json", longHelp("sbom"), cli.Exactly(1, "whose: rootbuild sbom TAG|LAYOUT|REF"), new(sbomVerb)},
		{"doctor", "say what this host can do, and what it lacks for the rest", "doctor", "", cli.NoArgs, new(doctorVerb)},
		{"version", "show the versions of rootbuild, Go and BuildKit", "version", "", cli.NoArgs, versionVerb{}},
	}}, {"sources", []verb{
		{"fetch --target TARGET", "fetch every source of a target into the state directory", "fetch --target uclibc --export /srv/distfiles", "", cli.NoArgs, new(fetchVerb)},
		{"update --target TARGET", "tell which sources have newer releases, and which are gone", "update --target uclibc", longHelp("update"), cli.NoArgs, new(updateVerb)},
	}}, {"the state directory", []verb{
		{"prune", "remove from the state directory what nothing needs; shows it, unless --yes", "prune --target site.yaml --yes", longHelp("prune"), cli.NoArgs, new(pruneVerb)},
	}}, {"registry and trust", []verb{
		{"push TAG|LAYOUT REF", "send an image to a registry", "push uclibc registry.example.org/nodes/uclibc:2026.11", longHelp("push"), cli.Exactly(2, "what to push, and where to: rootbuild push TAG|LAYOUT REF"), new(pushVerb)},
		{"pull REF", "bring an image from a registry, unpack it and switch to it", "pull registry.example.org/nodes/uclibc:2026.11", longHelp("pull"), cli.Exactly(1, "what to pull: rootbuild pull REF"), new(pullVerb)},
		{"packages [PLACE...]", "list the packages that places have, and who signed them", "packages registry.example.org/packages", longHelp("packages"), cobra.ArbitraryArgs, new(packagesVerb)},
		{"keygen NAME", "make a key pair to sign images with", "keygen site", longHelp("keygen"), cli.Exactly(1, "the name of the key's files: rootbuild keygen NAME"), keygenVerb{}},
		{"sign TAG|REF|LAYOUT --key KEY", "sign an image", "sign registry.example.org/nodes/uclibc:2026.11 --key site.key", longHelp("sign"), cli.Exactly(1, "what to sign: rootbuild sign TAG|REF|LAYOUT --key KEY"), new(signVerb)},
		{"verify REF", "say who vouches for an image", "verify registry.example.org/nodes/uclibc:2026.11 --key site.pub", longHelp("verify"), cli.Exactly(1, "what to verify: rootbuild verify REF"), new(verifyVerb)},
	}}, {"proof", []verb{
		{"reproduce TAG|REF", "build an image again from what it carries, and compare", "reproduce registry.example.org/nodes/uclibc:2026.11", longHelp("reproduce"), cobra.ArbitraryArgs, new(reproduceVerb)},
	}}, {"the master's roots", []verb{
		{"switch TAG", "make current name another root; booted nodes keep theirs", "switch uclibc-0123456789ab", "", tagArgs(1), new(switchVerb)},
		{"rollback", "make current name the root that it named before", "rollback", longHelp("rollback"), cli.NoArgs, new(rollbackVerb)},
		{"entries", "write what boot loaders read: kernel, initramfs and root of one image", "entries --tftp /srv/tftp --server 10.0.0.1", longHelp("entries"), cli.NoArgs, new(entriesVerb)},
		{"check TAG", "compare a node root with its image, file by file", "check current", longHelp("check"), tagArgs(1), new(checkTreeVerb)},
		{"rm TAG...", "remove node roots that nothing uses", "rm uclibc-0123456789ab", longHelp("rm"), tagArgs(0), new(removeVerb)},
		{"gc", "remove node roots that nothing holds; shows them, unless --yes", "gc --keep 3 --yes", longHelp("gc"), cli.NoArgs, new(collectVerb)},
	}}, {"nodes", []verb{
		{"boot [TAG]", "boot a node root in a virtual machine and run its checks", "boot --shell", longHelp("boot"), atMostOneTag, new(bootVerb)},
		{"enter [TAG] [-- COMMAND [ARG...]]", "open a shell in a node root, in a container", "enter current -- /bin/ps", longHelp("enter"), enterArgs, new(enterVerb)},
		{"initramfs", "write the initramfs that mounts a node's root", "initramfs --kernel-modules /lib/modules/$(uname -r)", longHelp("initramfs"), cli.NoArgs, new(initramfsVerb)},
	}}}
}

func (v verb) command(s cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use: v.use, Short: v.short, Long: v.long, Example: "    rootbuild " + v.example, Args: v.args,
		RunE: func(cmd *cobra.Command, args []string) error { return v.do.run(cmd.Context(), args, s) },
	}
	v.do.addFlags(cmd)
	if parent, ok := v.do.(interface{ verbs() []verb }); ok {
		for _, below := range parent.verbs() {
			cmd.AddCommand(below.command(s))
		}
	}
	return cmd
}

// addVerbs adds the verbs in their groups, and gives cobra's own the same voice.
func addVerbs(root *cobra.Command, s cli.Streams) {
	for _, g := range verbGroups() {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, v := range g.verbs {
			cmd := v.command(s)
			cmd.GroupID = g.title
			root.AddCommand(cmd)
		}
	}
	man := verb{"man DIR", "write the manual pages", "man /usr/local/share/man/man1", longHelp("man"), cli.Exactly(1, "the directory of the pages: rootbuild man DIR"), manVerb{root}}
	root.AddCommand(man.command(s))
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Short = "show the help of a verb"
		case "completion":
			cmd.Short = "write the shell's completion"
			for _, shell := range cmd.Commands() {
				shell.Short = "write the completion for " + shell.Name()
			}
		}
	}
	root.SetUsageFunc(usage)
}
