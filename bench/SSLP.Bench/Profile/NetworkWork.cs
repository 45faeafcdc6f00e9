using SSLP.Engine.Model;

namespace SSLP.Bench.Profile;

/// <summary>Multiply-adds of a ResNet's convolutions in a forward pass of one image (He et al. 2016, table 1; torchvision's
/// strides).</summary>
internal static class NetworkWork
{
    public static double MultiplyAdds(Architecture architecture, int side)
    {
        bool bottleneck = architecture == Architecture.ResNet50;
        int[] depths = bottleneck ? [3, 4, 6, 3] : [2, 2, 2, 2];
        long at = Halved(side), inputs = 64;
        double work = Convolution(3, 64, 7, at);
        at = Halved(at); // the pooling behind the first convolution
        for (int stage = 0; stage < 4; stage++)
        {
            long width = 64L << stage, outputs = bottleneck ? 4 * width : width;
            for (int block = 0; block < depths[stage]; block++)
            {
                long before = at;
                if (block == 0 && stage > 0)
                    at = Halved(at);
                work += bottleneck
                    ? Convolution(inputs, width, 1, before) + Convolution(width, width, 3, at) + Convolution(width, outputs, 1, at)
                    : Convolution(inputs, width, 3, at) + Convolution(width, width, 3, at);
                if (inputs != outputs || before != at)
                    work += Convolution(inputs, outputs, 1, at);
                inputs = outputs;
            }
        }
        return work;
    }

    /// <summary>Side after a stride of 2 whose padding keeps the last odd row.</summary>
    private static long Halved(long side) => (side + 1) / 2;

    private static double Convolution(long inputs, long outputs, int kernel, long side) =>
        (double)inputs * outputs * kernel * kernel * side * side;
}
