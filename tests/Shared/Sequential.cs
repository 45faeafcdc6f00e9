// torch has one random generator a process: a network's first weights depend on what other tests draw beside it.
[assembly: Xunit.CollectionBehavior(DisableTestParallelization = true)]
