namespace SSLP.Native.Tests.Hosts;

/// <summary>The stand-in for the NVIDIA driver (tests/native/fakecuda.c) as a library of another process: it records what it is asked, and
/// computes nothing.</summary>
internal static class StandIn
{
    /// <summary>A folder with it under the driver's name, for LD_LIBRARY_PATH or to link with.</summary>
    public static string Folder(string parent)
    {
        Tool.SkipUnless("gcc", "gcc");
        string folder = Directory.CreateDirectory(Path.Combine(parent, "driver")).FullName;
        Tool.Run("gcc", "-shared", "-fPIC", "-O1", "-Wl,-soname,libcuda.so.1", "-o", Path.Combine(folder, "libcuda.so.1"),
            Path.Combine(Repository.Root, "tests", "native", "fakecuda.c")).Succeeded();
        return folder;
    }
}
