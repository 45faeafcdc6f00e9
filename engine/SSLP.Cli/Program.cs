using System.CommandLine;
using SSLP.Cli;
using SSLP.Cli.Verbs;

var root = new RootCommand("SSLP: spatially guided self-supervised pretraining on whole-slide pathology images. Slides in, encoder out.")
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
};
ContextOptions.AddTo(root);
return Shell.Run(root, args);
