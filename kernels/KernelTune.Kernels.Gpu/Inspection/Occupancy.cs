namespace KernelTune.Kernels.Gpu.Inspection;

/// <summary>
/// How many groups of a kernel fit on one multiprocessor at a time, by CUDA's rules: registers are allotted to warps in units of 256, shared memory to groups with 1 KiB
/// of the system's ("CUDA C++ Programming Guide", technical specifications per compute capability).
/// </summary>
/// <param name="Groups">Groups at a time.</param>
/// <param name="Warps">Their warps.</param>
/// <param name="MostWarps">The multiprocessor's limit of warps.</param>
public readonly record struct Occupancy(int Groups, int Warps, int MostWarps)
{
    private const int WarpSize = 32, Registers = 65536, RegisterUnit = 256, SharedUnit = 128, SharedOfSystem = 1024;

    /// <summary>Of a kernel on an architecture; null for one whose limits are not in the table.</summary>
    public static Occupancy? Of(KernelUsage usage, int groupSize, string architecture)
    {
        // Warps and groups a multiprocessor, bytes of its shared memory.
        if (architecture switch
            {
                "sm_80" => (64, 32, 164 * 1024),
                "sm_86" => (48, 16, 100 * 1024),
                "sm_89" => (48, 24, 100 * 1024),
                "sm_90" => (64, 32, 228 * 1024),
                _ => ((int, int, int)?)null,
            } is not var (mostWarps, mostGroups, shared))
            return null;
        int warps = (groupSize + WarpSize - 1) / WarpSize;
        int registersOfWarp = Up(usage.Registers * WarpSize, RegisterUnit);
        int byWarps = mostWarps / warps;
        int byRegisters = Registers / registersOfWarp / warps;
        int byShared = shared / Up(usage.SharedBytes + SharedOfSystem, SharedUnit);
        int groups = Math.Min(Math.Min(byWarps, mostGroups), Math.Min(byRegisters, byShared));
        return new Occupancy(groups, groups * warps, mostWarps);
    }

    private static int Up(int n, int unit) => (n + unit - 1) / unit * unit;
}
