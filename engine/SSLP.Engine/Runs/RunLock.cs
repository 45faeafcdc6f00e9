using System.Globalization;
using SSLP.Data.Files;

namespace SSLP.Engine.Runs;

/// <summary>
/// One process at a time writes a run: run.lock is held open without sharing, and run.pid says by whom. The system lets go of it with the
/// process, however that ends, so that a lock that is left behind is none.
/// </summary>
internal sealed class RunLock : IDisposable
{
    private readonly FileStream _file;
    private readonly RunFolder _folder;
    private readonly bool _isNew;

    private RunLock(FileStream file, RunFolder folder, bool isNew) => (_file, _folder, _isNew) = (file, folder, isNew);

    /// <summary>Takes the lock of a run; its folder is made if it is missing.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="command">What the process does, for another that comes by.</param>
    /// <exception cref="Fault">Another process, which is named, writes the run; or the folder cannot be written to.</exception>
    public static RunLock Take(RunFolder folder, string command)
    {
        try
        {
            bool isNew = !Directory.Exists(folder.Root);
            Directory.CreateDirectory(folder.Root);
            var file = new FileStream(folder.Lock, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            string holder = string.Create(
                CultureInfo.InvariantCulture,
                $"process {Environment.ProcessId} on {Environment.MachineName} since {DateTime.UtcNow:yyyy-MM-dd HH:mm:ss} UTC " +
                $"({command})");
            File.WriteAllText(folder.LockHolder, holder);
            return new RunLock(file, folder, isNew);
        }
        catch (IOException fault) when (IsHeld(folder) && Holder(folder) is { Length: > 0 } holder)
        {
            throw new Fault(FaultKind.Input,
                $"'{folder.Root}' is being written by another run, {holder}: wait for it or stop it, or name another --out.", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Input,
                $"'{folder.Root}' cannot be written to: {fault.Message.TrimEnd('.')}. Name another --out, or make room or leave to write " +
                $"there.", fault);
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Lets go of a run that was refused before it began: a folder that was made for it goes, if nothing else is in it.</summary>
    public void Abandon()
    {
        Dispose();
        if (!_isNew)
            return;
        File.Delete(_folder.Lock);
        File.Delete(_folder.LockHolder);
        if (!Directory.EnumerateFileSystemEntries(_folder.Root).Any())
            Directory.Delete(_folder.Root);
    }

    /// <summary>Whether sharing it is refused: the disk may be full as well.</summary>
    private static bool IsHeld(RunFolder folder)
    {
        try
        {
            if (!File.Exists(folder.Lock))
                return false;
            new FileStream(folder.Lock, FileMode.Open, FileAccess.Read, FileShare.Read).Dispose();
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>What the holder wrote; empty where it cannot be read.</summary>
    private static string Holder(RunFolder folder)
    {
        try
        {
            return File.ReadAllText(folder.LockHolder);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return string.Empty;
        }
    }
}
