"""The commands of `polax`, one file each, with `main(arguments) -> exit status`. May import all but `testing`."""
