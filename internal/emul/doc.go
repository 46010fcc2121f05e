// Package emul finds the emulators of DynamoDB and Kinesis that tests run
// against. It is imported by tests only.
//
// An emulator is a server that somebody else has started, on loopback, and whose
// URL is in an environment variable:
//
//	LEASEHOLD_TEST_DYNAMODB_LOCAL  DynamoDB Local, Amazon's own
//	LEASEHOLD_TEST_DYNALITE        dynalite, another reading of DynamoDB
//	LEASEHOLD_TEST_KINESIS_LOCAL   kinesis-local
//	LEASEHOLD_TEST_KINESALITE      kinesalite, Kinesis as it was in 2020
//
// The script .ci/emulators starts all four, sets the variables and runs a
// command:
//
//	bash .ci/emulators go test -run Emulator ./...
//
// Without them a test is skipped and says so. Where the variable CI is set,
// their absence is a failure, so that no suite passes by not running.
//
// A test that needs an emulator is named TestEmulator..., and runs once for
// every service, as a subtest of the service's name: by these names the
// continuous integration counts what really ran.
//
//	for _, s := range emul.DynamoDBs(t) {
//		t.Run(s.Name, func(t *testing.T) { ... })
//	}
//
// One server serves all tests of a run, so every test has tables and streams of
// its own, named by [Name].
package emul
