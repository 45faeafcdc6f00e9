using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>One of the sets of a batch on a device: [B, capacity] rows and similarities (later factors), and how many each anchor
/// has.</summary>
internal sealed class SetOnDevice(IComputeDevice device) : IDisposable
{
    /// <summary>Room for one anchor's rows.</summary>
    public int Capacity { get; set; }

    public DeviceArray<int> Rows { get; } = new(device);

    public DeviceArray<float> Scores { get; } = new(device);

    public DeviceArray<int> DeviceCounts { get; } = new(device);

    /// <summary>[B] as <see cref="ReadCounts"/> found them.</summary>
    public int[] Counts { get; private set; } = [];

    public void Prepare(int batch)
    {
        Rows.EnsureLength((long)batch * Capacity);
        Scores.EnsureLength((long)batch * Capacity);
        DeviceCounts.EnsureLength(batch);
    }

    /// <summary>Reads how many rows each anchor has. False where one had no room: capacity has grown, and the launch must be
    /// repeated.</summary>
    public bool ReadCounts(int batch)
    {
        Counts = new int[batch];
        DeviceCounts.ReadBack(Counts);
        int most = Counts.Max();
        bool fits = most <= Capacity;
        Capacity = Math.Max(Capacity, most);
        return fits;
    }

    /// <summary>Rows, scores, counts: how the kernels take a set.</summary>
    public void AddTo(ref KernelArguments arguments)
    {
        arguments.View(Rows);
        arguments.View(Scores);
        arguments.View(DeviceCounts);
    }

    /// <summary>Copies the lists to the host's.</summary>
    /// <param name="byRow">Whether a list is put in the order of its rows; else it stays in the kernel's.</param>
    public void AddTo(RowLists lists, bool byRow = false)
    {
        int[] rows = new int[Counts.Length * Capacity];
        float[] scores = new float[rows.Length];
        Rows.ReadBack(rows);
        Scores.ReadBack(scores);
        for (int b = 0; b < Counts.Length; b++)
        {
            if (byRow)
                Array.Sort(rows, scores, b * Capacity, Counts[b]);
            for (int j = b * Capacity; j < b * Capacity + Counts[b]; j++)
                lists.Add(b, rows[j], scores[j]);
        }
    }

    public void Dispose()
    {
        Rows.Dispose();
        Scores.Dispose();
        DeviceCounts.Dispose();
    }
}
