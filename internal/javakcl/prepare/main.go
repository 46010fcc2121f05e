// Prepare builds the Java worker that the tests named TestJava... run, with Maven
// and over the network, and does nothing when it is built already.
package main

import (
	"fmt"
	"os"

	"github.com/leasehold/leasehold/internal/javakcl"
)

func main() {
	if err := javakcl.Prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
