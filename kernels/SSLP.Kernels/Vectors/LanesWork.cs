using System.Runtime.Intrinsics;

namespace SSLP.Kernels;

/// <summary>Parallel work written once against <see cref="ILanes{TVector}"/>: each item runs the body compiled for the chosen
/// vectors.</summary>
internal abstract class LanesWork(InstructionSet isa) : IParallelWork
{
    public void Execute(int item, int worker)
    {
        switch (isa)
        {
            case InstructionSet.Vector512:
                Execute<Lanes512, Vector512<float>>(item, worker);
                break;
            case InstructionSet.Vector256:
                Execute<Lanes256, Vector256<float>>(item, worker);
                break;
            case InstructionSet.Vector128:
                Execute<Lanes128, Vector128<float>>(item, worker);
                break;
            default:
                Execute<ScalarLanes, float>(item, worker);
                break;
        }
    }

    protected abstract void Execute<TLanes, TVector>(int item, int worker)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct;
}
