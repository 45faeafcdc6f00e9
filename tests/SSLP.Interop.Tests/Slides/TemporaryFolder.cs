namespace SSLP.Interop.Tests.Slides;

/// <summary>A folder that goes with the test.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("sslp-slides-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
