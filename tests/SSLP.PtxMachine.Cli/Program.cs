using SSLP.Cli;
using SSLP.PtxMachine.Driver;

// The command line with the PTX machine for a driver: with device=cpu and kernels=cuda or auto, torch runs on the CPU, the kernels'
// texts on the machine.
using var machine = new MachineDriver();
ContextOptions.Driver = machine.Driver;
return Shell.Run(Commands.Root(), args);
