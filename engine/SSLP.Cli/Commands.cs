using System.CommandLine;
using SSLP.Cli.Verbs;

namespace SSLP.Cli;

/// <summary>The command line: every verb, and what all of them take.</summary>
internal static class Commands
{
    public static RootCommand Root()
    {
        var root = new RootCommand(
            "SSLP: spatially guided self-supervised pretraining on whole-slide pathology images. Slides in, encoder out.")
        {
            DoctorVerb.Create(),
            SynthVerb.Create(),
            AuditVerb.Create(),
            TileVerb.Create(),
            PretrainVerb.Create(),
            EmbedVerb.Create(),
            ProbeVerb.Create(),
            ReportVerb.Create(),
            ExportVerb.Create(),
            SweepVerb.Create(),
            DemoVerb.Create(),
            BenchVerb.Create(),
            ProfileVerb.Create(),
        };
        ContextOptions.AddTo(root);
        return root;
    }
}
