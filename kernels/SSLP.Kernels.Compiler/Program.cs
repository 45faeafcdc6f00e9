using System.Text.Json;
using SSLP.Kernels.Compiler;
using SSLP.Kernels.Device;

// sslp-ptx FOLDER: writes <kernel>.ptx for every device kernel, and manifest.json last. Run by the build of SSLP.Kernels.
if (args.Length != 1)
{
    Console.Error.WriteLine("usage: SSLP.Kernels.Compiler FOLDER");
    return 2;
}

Directory.CreateDirectory(args[0]);
using var manifest = new MemoryStream();
using (var json = new Utf8JsonWriter(manifest, new JsonWriterOptions { Indented = true }))
{
    json.WriteStartArray();
    foreach (DeviceKernel kernel in DeviceKernels.All)
    {
        PtxKernel ptx = PtxCompiler.Compile(kernel);
        File.WriteAllText(Path.Combine(args[0], $"{ptx.Name}.ptx"), ptx.Text);
        json.WriteStartObject();
        json.WriteString("name", ptx.Name);
        json.WriteString("entry", ptx.Entry);
        json.WriteNumber("groupSize", ptx.GroupSize);
        json.WriteNumber("sharedBytes", ptx.SharedBytes);
        json.WriteEndObject();
    }

    json.WriteEndArray();
}

File.WriteAllBytes(Path.Combine(args[0], "manifest.json"), manifest.ToArray());
return 0;
