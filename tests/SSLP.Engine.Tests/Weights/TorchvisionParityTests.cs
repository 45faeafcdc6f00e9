using System.Globalization;
using SSLP.Engine.Model;
using SSLP.Engine.Weights;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Engine.Tests.Weights;

public sealed class TorchvisionParityTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-torchvision").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(Architecture.ResNet18, 50, 50)]
    [InlineData(Architecture.ResNet50, 50, 50)]
    [InlineData(Architecture.ResNet18, 32, 37)]
    [InlineData(Architecture.ResNet18, 96, 110)]
    public void Torchvision_computes_the_same_features_of_real_patches_from_our_file_alone(Architecture architecture, int input,
        int resized)
    {
        Python.SkipUnless("torch", "torchvision", "numpy");
        using RealPatches patches = new(6);
        using ResNet network = RandomEncoder.Make(architecture);
        string encoder = Path.Combine(_folder, "encoder.safetensors"), pixels = Path.Combine(_folder, "pixels.bin"),
            features = Path.Combine(_folder, "features.bin");
        EncoderPreprocessing preprocessing = RandomEncoder.Preprocessing(patches.Side, input, resized);
        RandomEncoder.Save(encoder, network, preprocessing);
        File.WriteAllBytes(pixels, patches.Rgb);
        Python.Run(
            """
            import json, struct, sys, numpy, torch, torchvision
            from torchvision.transforms import functional as F
            blob = open(sys.argv[1], "rb").read()
            size, = struct.unpack("<Q", blob[:8])
            header, data = json.loads(blob[8:8 + size]), blob[8 + size:]
            meta = header.pop("__metadata__")
            kinds = {"F32": "<f4", "I64": "<i8"}
            state = {name: torch.from_numpy(
                         numpy.frombuffer(data[slice(*t["data_offsets"])], kinds[t["dtype"]]).reshape(t["shape"]).copy())
                     for name, t in header.items()}
            model = getattr(torchvision.models, meta["sslp.arch"])()
            missing, unexpected = model.load_state_dict(state, strict=False)
            assert missing == ["fc.weight", "fc.bias"] and unexpected == [], (missing, unexpected)
            model.fc = torch.nn.Identity()
            model.eval()
            mean, std = (torch.tensor([float(v) for v in meta["sslp.preprocessing." + k].split(",")]).reshape(1, 3, 1, 1)
                         for k in ("mean", "std"))
            patch, resize, side = (int(meta["sslp.preprocessing." + k]) for k in ("patch", "resize", "input_size"))
            x = torch.from_numpy(numpy.fromfile(sys.argv[2], "u1").reshape(-1, patch, patch, 3)).permute(0, 3, 1, 2).float() / 255
            x = F.center_crop(F.resize(x, [resize, resize], antialias=True), [side, side])
            with torch.no_grad():
                model((x - mean) / std).numpy().astype("<f4").tofile(sys.argv[3])
            """, encoder, pixels, features);
        byte[] bytes = File.ReadAllBytes(features);
        float[] theirs = new float[bytes.Length / 4];
        Buffer.BlockCopy(bytes, 0, theirs, 0, bytes.Length);
        float[] ours = RandomEncoder.Features(network, patches, preprocessing);
        Assert.Equal(patches.Count * network.Features, theirs.Length);
        double difference = RandomEncoder.Difference(ours, theirs);
        TestContext.Current.TestOutputHelper!.WriteLine(difference.ToString("g3", CultureInfo.InvariantCulture));
        Assert.True(difference < 1e-4, $"features differ by {difference:g3} of the largest");
    }
}
