using System.Buffers.Binary;
using System.Text;
using SSLP.Data.Files;
using SSLP.Engine.Torch;
using SSLP.Engine.Weights;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Engine.Tests.Weights;

public sealed class SafetensorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-safetensors").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Every_element_type_and_odd_shape_comes_back_bit_for_bit()
    {
        using DisposeScope scope = torch.NewDisposeScope();
        List<(string, Tensor)> tensors = [];
        foreach (ScalarType type in new[] { ScalarType.Float32, ScalarType.Float64, ScalarType.Float16, ScalarType.BFloat16,
            ScalarType.Int64, ScalarType.Int32, ScalarType.Int16, ScalarType.Int8, ScalarType.Byte, ScalarType.Bool })
            foreach (long[] shape in new long[][] { [], [1], [0], [3, 33, 7], [2, 0, 5] })
                tensors.Add(($"{type}.{string.Join('x', shape)}", torch.randint(0, 2, shape).to(type)));

        string path = Path.Combine(_folder, "all.safetensors");
        SafetensorsWriter.Write(path, [.. tensors.Select(t => SafetensorsItem.From(t.Item1, t.Item2))],
            new Dictionary<string, string> { ["note"] = "µm \"quoted\" \n" });

        using var file = SafetensorsFile.Open(path);
        Assert.Equal(tensors.Count, file.Entries.Count);
        Assert.Equal("µm \"quoted\" \n", file.Metadata["note"]);
        foreach ((string name, Tensor expected) in tensors)
        {
            Tensor actual = file.ReadTensor(name);
            Assert.Equal(expected.dtype, actual.dtype);
            Assert.Equal(expected.shape, actual.shape);
            Assert.True(actual.equal(expected).all().item<bool>(), name);
        }
    }

    [Fact]
    public void A_transposed_view_is_written_as_it_reads()
    {
        using Tensor values = torch.arange(12, ScalarType.Float32).reshape(3, 4).t();
        string path = Path.Combine(_folder, "view.safetensors");
        SafetensorsWriter.Write(path, [SafetensorsItem.From("x", values)]);
        using var file = SafetensorsFile.Open(path);
        using Tensor actual = file.ReadTensor("x");
        Assert.Equal(new float[] { 0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11 }, actual.data<float>().ToArray());
    }

    [Fact]
    public void Managed_numbers_of_every_kind_keep_their_bytes_and_the_data_starts_aligned()
    {
        string path = Path.Combine(_folder, "spans.safetensors");
        SafetensorsWriter.Write(path,
        [
            SafetensorsItem.From<byte>("u8", new byte[] { 1, 2, 3 }, 3),
            SafetensorsItem.From<ulong>("u64", new[] { ulong.MaxValue }, 1),
            SafetensorsItem.From<Half>("f16", new[] { (Half)1.5f, Half.NaN }, 2, 1),
        ]);
        using var file = SafetensorsFile.Open(path);
        byte[] half = new byte[4];
        file.ReadBytes("f16", half);
        Assert.Equal((Half)1.5f, BinaryPrimitives.ReadHalfLittleEndian(half));
        Assert.Equal(SafetensorsDtype.U64, file.Entries["u64"].Dtype);
        Assert.Equal(0, BinaryPrimitives.ReadInt64LittleEndian(File.ReadAllBytes(path)) % 8);
        Assert.Throws<Fault>(() => file.ReadTensor("u64"));
        Assert.Throws<ArgumentException>(() => file.ReadBytes("u8", new byte[2]));
        Assert.Throws<KeyNotFoundException>(() => file.ReadTensor("absent"));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, null)]
    [InlineData("""{}""", 0, null)]
    [InlineData("""{"a":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[0,0]}}   """, 0, null)]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 12, "after its last tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 4, "claims the bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "not the size")]
    [InlineData("""{"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}""", 8, "unknown dtype")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "whole number")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""", 8, "whole number")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "claims the bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}}""", 8, "too many")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "hole")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", 0, "overflows")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12,
        "overlaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""",
        8, "twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}""", 4, "repeated field")]
    [InlineData("""{"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}}""", 4, "JSON")]
    [InlineData("""{"a":{"dtype":"F32","data_offsets":[0,4]}}""", 4, "needs dtype")]
    [InlineData("""{"__metadata__":{"k":1}}""", 0, "metadata")]
    [InlineData("""{"__metadata__":{"k":"1","k":"2"}}""", 0, "twice")]
    [InlineData("""{"__metadata__":{},"__metadata__":{}}""", 0, "twice")]
    [InlineData("""[1]""", 0, "the header")]
    [InlineData("""{"a":""", 0, "JSON")]
    [InlineData("""{} {}""", 0, "JSON")]
    [InlineData("", 0, "JSON")]
    public void A_header_is_taken_only_when_it_keeps_every_rule(string json, long dataBytes, string? complaint)
    {
        if (complaint is null)
        {
            SafetensorsHeader.Parse(Encoding.UTF8.GetBytes(json), dataBytes);
            return;
        }

        Fault fault = Assert.Throws<Fault>(() => SafetensorsHeader.Parse(Encoding.UTF8.GetBytes(json), dataBytes));
        Assert.Contains(complaint, fault.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_rank_without_end_is_refused()
    {
        string shape = string.Join(',', Enumerable.Repeat("1", 100_000));
        byte[] json = Encoding.UTF8.GetBytes($$$"""{"a":{"dtype":"U8","shape":[{{{shape}}}],"data_offsets":[0,1]}}""");
        Assert.Throws<Fault>(() => SafetensorsHeader.Parse(json, 1));
    }

    [Theory]
    [InlineData(new byte[] { })]
    [InlineData(new byte[] { 1, 2, 3 })]
    [InlineData(new byte[] { 255, 255, 255, 255, 255, 255, 255, 255 })]
    [InlineData(new byte[] { 255, 255, 255, 255, 255, 255, 255, 127, 123, 125 })]
    [InlineData(new byte[] { 0x80, 2, 0x63, 0x6f, 0x73, 0x0a, 0x73, 0x79, 0x73, 0x74, 0x65, 0x6d })]
    [InlineData(new byte[] { 4, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x22, 0xff, 0xfe })]
    public void Bytes_of_another_kind_are_refused_with_the_files_name(byte[] content)
    {
        string path = Path.Combine(_folder, "odd.safetensors");
        File.WriteAllBytes(path, content);
        Assert.Contains("odd.safetensors", Assert.Throws<Fault>(() => SafetensorsFile.Open(path)).Message);
    }

    [Fact]
    public void Random_damage_is_survived_and_found()
    {
        string path = Path.Combine(_folder, "sound.safetensors");
        SafetensorsWriter.Write(path, [SafetensorsItem.From<float>("a", Enumerable.Range(0, 77).Select(i => (float)i).ToArray(), 7, 11)]);
        byte[] sound = File.ReadAllBytes(path);
        string damagedPath = Path.Combine(_folder, "damaged.safetensors");
        Random random = new(5);
        for (int trial = 0; trial < 300; trial++)
        {
            byte[] damaged = [.. sound];
            int at = random.Next(damaged.Length);
            damaged[at] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(damagedPath, random.Next(4) == 0 ? damaged[..random.Next(damaged.Length)] : damaged);
            // In the data, in a name, in free text, in a checksum's own name: both checksums are asked for.
            Assert.Throws<Fault>(() => SafetensorsFile.Open(damagedPath));
        }
    }

    [Fact]
    public void A_failed_write_leaves_the_previous_file_and_no_litter()
    {
        string path = Path.Combine(_folder, "kept.safetensors");
        SafetensorsWriter.Write(path, [SafetensorsItem.From<int>("a", new[] { 41 }, 1)]);
        byte[] before = File.ReadAllBytes(path);
        SafetensorsItem full = new("b", SafetensorsDtype.U8, [10], _ => throw new IOException("No space left on device"));
        SafetensorsItem tooShort = new("b", SafetensorsDtype.U8, [10], stream => stream.Write(new byte[9]));
        Assert.Throws<IOException>(() => SafetensorsWriter.Write(path, [full]));
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(path, [tooShort]));
        Assert.Throws<ArgumentException>(
            () => SafetensorsWriter.Write(
                path, [SafetensorsItem.From<int>("a", new[] { 1 }, 1), SafetensorsItem.From<int>("a", new[] { 1 }, 1)]));
        Assert.Equal(before, File.ReadAllBytes(path));
        Assert.Single(Directory.GetFiles(_folder));
    }
}
