using SSLP.PtxMachine.Program;

namespace SSLP.PtxMachine.Counting;

/// <summary>What a launch did.</summary>
/// <param name="Kernel">The .entry.</param>
/// <param name="Instructions">Instructions of warps by class.</param>
/// <param name="ThreadInstructions">Instructions of threads: an instruction of a whole warp is 32.</param>
/// <param name="Traffic">Where <see cref="MachineOptions.CountTraffic"/> asks for it.</param>
public sealed record LaunchCounts(
    string Kernel, (uint X, uint Y, uint Z) Grid, (uint X, uint Y, uint Z) Block, IReadOnlyList<long> Instructions, long ThreadInstructions,
    TrafficCounts? Traffic)
{
    public long this[InstructionClass kind] => Instructions[(int)kind];

    /// <summary>Instructions of warps in all.</summary>
    public long WarpInstructions => Instructions.Sum();
}

/// <summary>What went through the memories.</summary>
/// <param name="GlobalLoadBytes">Bytes that threads asked for, copies by cp.async included.</param>
/// <param name="GlobalLoadSectors">32-byte sectors that the requests of warps touched: what goes between a multiprocessor and the
/// cache.</param>
/// <param name="TouchedSectors">Different sectors that the launch read or wrote: what memory must move at least once.</param>
/// <param name="ReadSectors">Different sectors that it read, atomics included.</param>
/// <param name="WrittenSectors">Different sectors that it wrote, atomics included.</param>
/// <param name="GlobalAtomics">Global atomics of threads; <see cref="LaunchCounts.Instructions"/> has the warps'.</param>
/// <param name="SharedRequests">Requests of warps to shared memory.</param>
/// <param name="SharedWavefronts">Passes over the banks that they took.</param>
/// <param name="SharedIdeal">Passes that they would take without conflicts.</param>
public sealed record TrafficCounts(
    long GlobalLoadBytes, long GlobalLoadSectors, long GlobalStoreBytes, long GlobalStoreSectors, long TouchedSectors, long ReadSectors,
    long WrittenSectors, long GlobalAtomics, long SharedAtomics, long SharedRequests, long SharedWavefronts, long SharedIdeal)
{
    public long GlobalBytes => GlobalLoadBytes + GlobalStoreBytes;

    public long GlobalSectors => GlobalLoadSectors + GlobalStoreSectors;

    /// <summary>Passes over the banks beyond those without conflicts.</summary>
    public long BankConflicts => SharedWavefronts - SharedIdeal;
}
