// Package cli is the command leasehold: its flags, its subcommands and what
// they print. [Main] runs it without a process, so that tests can.
//
// Data goes to stdout and everything else to stderr. JSON is one object a line
// or one array, each object with its kind and the version of its shape; what is
// not known is null, sequence and hash numbers are strings, and times are
// RFC 3339 in UTC. Names that come from a table or a stream were chosen by
// somebody else: in tables and messages their control characters are escaped.
package cli
