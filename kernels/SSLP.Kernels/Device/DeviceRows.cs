using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>Rows on their way to, from and on a device, where they are padded with zeros to a stride.</summary>
internal static class DeviceRows
{
    public static void Upload(MatrixView rows, int stride, DeviceArray<float> to)
    {
        to.EnsureLength((long)rows.Rows * stride);
        float[] staging = new float[checked(rows.Rows * stride)];
        for (int i = 0; i < rows.Rows; i++)
            rows.Row(i).CopyTo(staging.AsSpan(i * stride));
        to.Upload(staging);
    }

    public static void ReadBack(DeviceArray<float> from, int stride, MatrixView rows)
    {
        float[] staging = new float[checked(rows.Rows * stride)];
        from.ReadBack(staging);
        for (int i = 0; i < rows.Rows; i++)
            staging.AsSpan(i * stride, rows.Width).CopyTo(rows.Row(i));
    }

    /// <summary>Rows <paramref name="ids"/> of dense ones side by side; an id below 0 gives a row of zeros.</summary>
    /// <param name="device">What they are on.</param>
    /// <param name="rows">[N, stride].</param>
    /// <param name="ids">From <paramref name="firstId"/> on, one a copy.</param>
    /// <param name="copies">[count, stride], from value <paramref name="firstCopy"/> on.</param>
    /// <param name="count">How many.</param>
    /// <param name="strideQuads">Groups of four values in a row.</param>
    public static void EnqueueGather(
        IComputeDevice device, DeviceArray<float> rows, DeviceArray<int> ids, DeviceArray<float> copies, int count, int strideQuads,
        long firstId = 0, long firstCopy = 0)
    {
        var gather = new KernelArguments();
        gather.Quads(rows);
        gather.View(ids, firstId);
        gather.Quads(copies, firstCopy);
        gather.Int32(strideQuads);
        device.EnqueueLaunch("GatherRows", new LaunchGrid((uint)count), ref gather);
    }
}
