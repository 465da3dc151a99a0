package main

import (
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/spf13/cobra"
)

// verbGroups are the verbs of the command.
func verbGroups(root *cobra.Command) []cli.Group {
	return []cli.Group{
		{Title: "look", Verbs: []cli.Verb{
			{Use: "targets", Short: "list the embedded targets", Example: "targets", Args: cli.NoArgs, Do: targetsVerb{}},
			{Use: "plan --target TARGET", Short: "show each stage of a target: cached, or to build and why", Example: "plan --target uclibc", Args: cli.NoArgs, Do: new(planVerb)},
			{Use: "graph --target TARGET", Short: "show which stage is built with which", Example: "graph --target uclibc --format dot | dot -Tsvg >uclibc.svg", Args: cli.NoArgs, Do: new(graphVerb)},
			{Use: "report --target TARGET", Short: "write a page about the last build of a target", Example: "report --target uclibc -o report.html", Long: longHelp("report"), Args: cli.NoArgs, Do: new(reportVerb)},
			{Use: "ls", Short: "list the node roots; * marks current", Example: "ls", Long: longHelp("ls"), Args: cli.NoArgs, Do: new(listVerb)},
			{Use: "log", Short: "show every switch of current, the newest last", Example: "log", Args: cli.NoArgs, Do: new(logVerb)},
			{Use: "diff A B", Short: "compare two node roots: packages, then files", Example: "diff uclibc-0123456789ab current", Long: longHelp("diff"), Args: flags.TagArgs(2), Do: new(diffVerb)},
			{Use: "sbom TAG|LAYOUT|REF", Short: "print an image's bill of materials, or its sources", Example: "sbom uclibc >uclibc.spdx.json", Long: longHelp("sbom"), Args: cli.Exactly(1, "whose: rootbuild sbom TAG|LAYOUT|REF"), Do: new(sbomVerb)},
			{Use: "doctor", Short: "say what this host can do, and what it lacks for the rest", Example: "doctor", Args: cli.NoArgs, Do: new(doctorVerb)},
			{Use: "version", Short: "show the versions of rootbuild, Go and BuildKit", Example: "version", Args: cli.NoArgs, Do: versionVerb{}},
		}},
		{Title: "sources", Verbs: []cli.Verb{
			{Use: "fetch --target TARGET", Short: "fetch every source of a target into the state directory", Example: "fetch --target uclibc --export /srv/distfiles", Args: cli.NoArgs, Do: new(fetchVerb)},
			{Use: "update --target TARGET", Short: "tell which sources have newer releases, and which are gone", Example: "update --target uclibc", Long: longHelp("update"), Args: cli.NoArgs, Do: new(updateVerb)},
		}},
		{Title: "the state directory", Verbs: []cli.Verb{
			{Use: "prune", Short: "remove from the state directory what nothing needs; shows it, unless --yes", Example: "prune --target site.yaml --yes", Long: longHelp("prune"), Args: cli.NoArgs, Do: new(pruneVerb)},
		}},
		{Title: "registry and trust", Verbs: []cli.Verb{
			{Use: "push TAG|LAYOUT REF", Short: "send an image to a registry", Example: "push uclibc registry.example.org/nodes/uclibc:2026.11", Long: longHelp("push"), Args: cli.Exactly(2, "what to push, and where to: rootbuild push TAG|LAYOUT REF"), Do: new(pushVerb)},
			{Use: "pull REF", Short: "bring an image from a registry, unpack it and switch to it", Example: "pull registry.example.org/nodes/uclibc:2026.11", Long: longHelp("pull"), Args: cli.Exactly(1, "what to pull: rootbuild pull REF"), Do: new(pullVerb)},
			{Use: "packages [PLACE...]", Short: "list the packages that places have, and who signed them", Example: "packages registry.example.org/packages", Long: longHelp("packages"), Args: cobra.ArbitraryArgs, Do: new(packagesVerb)},
			{Use: "keygen NAME", Short: "make a key pair to sign images with", Example: "keygen site", Long: longHelp("keygen"), Args: cli.Exactly(1, "the name of the key's files: rootbuild keygen NAME"), Do: keygenVerb{}},
			{Use: "sign TAG|REF|LAYOUT --key KEY", Short: "sign an image", Example: "sign registry.example.org/nodes/uclibc:2026.11 --key site.key", Long: longHelp("sign"), Args: cli.Exactly(1, "what to sign: rootbuild sign TAG|REF|LAYOUT --key KEY"), Do: new(signVerb)},
			{Use: "verify REF", Short: "say who vouches for an image", Example: "verify registry.example.org/nodes/uclibc:2026.11 --key site.pub", Long: longHelp("verify"), Args: cli.Exactly(1, "what to verify: rootbuild verify REF"), Do: new(verifyVerb)},
		}},
		{Title: "proof", Verbs: []cli.Verb{
			{Use: "reproduce TAG|REF", Short: "build an image again from what it carries, and compare", Example: "reproduce registry.example.org/nodes/uclibc:2026.11", Long: longHelp("reproduce"), Args: cobra.ArbitraryArgs, Do: new(reproduceVerb)},
		}},
		{Title: "the master's roots", Verbs: []cli.Verb{
			{Use: "switch TAG", Short: "make current name another root; booted nodes keep theirs", Example: "switch uclibc-0123456789ab", Args: flags.TagArgs(1), Do: new(switchVerb)},
			{Use: "rollback", Short: "make current name the root that it named before", Example: "rollback", Long: longHelp("rollback"), Args: cli.NoArgs, Do: new(rollbackVerb)},
			{Use: "entries", Short: "write what boot loaders read: kernel, initramfs and root of one image", Example: "entries --tftp /srv/tftp --server 10.0.0.1", Long: longHelp("entries"), Args: cli.NoArgs, Do: new(entriesVerb)},
			{Use: "check TAG", Short: "compare a node root with its image, file by file", Example: "check current", Long: longHelp("check"), Args: flags.TagArgs(1), Do: new(checkTreeVerb)},
			{Use: "rm TAG...", Short: "remove node roots that nothing uses", Example: "rm uclibc-0123456789ab", Long: longHelp("rm"), Args: flags.TagArgs(0), Do: new(removeVerb)},
			{Use: "gc", Short: "remove node roots that nothing holds; shows them, unless --yes", Example: "gc --keep 3 --yes", Long: longHelp("gc"), Args: cli.NoArgs, Do: new(collectVerb)},
		}},
		{Title: "nodes", Verbs: []cli.Verb{
			{Use: "boot [TAG]", Short: "boot a node root in a virtual machine and run its checks", Example: "boot --shell", Long: longHelp("boot"), Args: flags.AtMostOneTag, Do: new(bootVerb)},
			{Use: "enter [TAG] [-- COMMAND [ARG...]]", Short: "open a shell in a node root, in a container", Example: "enter current -- /bin/ps", Long: longHelp("enter"), Args: enterArgs, Do: new(enterVerb)},
			{Use: "initramfs", Short: "write the initramfs that mounts a node's root", Example: "initramfs --kernel-modules /lib/modules/$(uname -r)", Long: longHelp("initramfs"), Args: cli.NoArgs, Do: new(initramfsVerb)},
		}},
		{Verbs: []cli.Verb{
			{Use: "man DIR", Short: "write the manual pages", Example: "man /usr/local/share/man/man1", Long: longHelp("man"), Args: cli.Exactly(1, "the directory of the pages: rootbuild man DIR"), Do: cli.Manual{Root: root}},
		}},
	}
}

// flagGroups are flags by what they are about, for every verb that has them.
var flagGroups = []cli.FlagGroup{
	{Title: "what to build", Flags: []string{"target", "ask", "keep-going", "base", "state", "progress"}},
	{Title: "where steps run", Flags: []string{"builder", "builder-tls", "builder-insecure", "runc", "steps"}},
	{Title: "where sources come from", Flags: []string{"distdir", "source-host", "mirror", "offline"}},
	{Title: "packages that were built elsewhere", Flags: []string{"packages", "package-policy", "push-packages"}},
	{Title: "where the result goes", Flags: []string{"output", "push", "sign", "builder-id"}},
	{Title: "how registries are spoken to", Flags: []string{"mirror-registry", "plain-http", "registries", "registry-ca"}},
	{Title: "whose images are taken", Flags: []string{"policy", "insecure-no-verify", "allow-older", "no-devices", "no-setuid"}},
	{Title: "the node root", Flags: []string{"nfsroot", "tag", "no-unpack", "no-switch", "link", "max-entries", "max-size", "labels"}},
	{Title: "what boot entries say", Flags: []string{"tftp", "server", "export", "nfs-options", "word", "loader", "templates"}},
	{Title: "its check in a virtual machine", Flags: []string{"check", "kernel", "kernel-modules", "initramfs", "append", "accel", "memory", "timeout"}},
}
