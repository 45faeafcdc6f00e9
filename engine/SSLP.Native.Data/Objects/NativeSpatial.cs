using SSLP.Kernels;

namespace SSLP.Native;

/// <summary>Who lies near whom on the slides.</summary>
internal sealed class NativeSpatial(NativeContext context, SpatialNeighbours index) : NativeObject("spatial index", isExclusive: false,
    context)
{
    public SpatialNeighbours Index => index;

    public override void Dispose() { }
}
