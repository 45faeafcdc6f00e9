using SSLP.Data.Files;
using SSLP.Engine.Options;
using SSLP.Engine.Torch;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Engine.Tests.Torch;

/// <summary>The option "device": its text, and what is taken where libtorch sees a number of CUDA devices.</summary>
public sealed class DeviceChoiceTests
{
    [Theory]
    [InlineData("auto", DeviceKind.Auto, 0, "auto")]
    [InlineData("cpu", DeviceKind.Cpu, 0, "cpu")]
    [InlineData("cuda", DeviceKind.Cuda, 0, "cuda")]
    [InlineData("cuda:0", DeviceKind.Cuda, 0, "cuda")]
    [InlineData("cuda:13", DeviceKind.Cuda, 13, "cuda:13")]
    public void A_device_is_read_and_written(string text, DeviceKind kind, int number, string written)
    {
        TrainingOptions options = OptionTable.Set(new TrainingOptions(), "device", text, "a test");
        Assert.Equal(new DeviceChoice(kind, number), options.Device);
        Assert.Equal(written, OptionTable.ToText(options)["device"]);
    }

    [Theory]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:x")]
    [InlineData("cuda:99999999999")]
    [InlineData("cpu:1")]
    [InlineData("CUDA")]
    public void What_is_no_device_is_refused_with_what_is_one(string text)
    {
        Fault fault = Assert.Throws<Fault>(() => OptionTable.Set(new TrainingOptions(), "device", text, "a test"));
        Assert.Equal(FaultKind.Usage, fault.Kind);
        Assert.Contains($"'{text}' is no value of device; it takes auto | cpu | cuda | cuda:N", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 0, "device=cuda was asked for, but libtorch sees no CUDA device")]
    [InlineData(1, 0, "device=cuda:1 was asked for, but libtorch sees no CUDA device")]
    [InlineData(1, 1, "device=cuda:1 was asked for, but libtorch sees 1 CUDA device, counted from 0: take device=cuda, or device=cpu.")]
    [InlineData(7, 2, "libtorch sees 2 CUDA devices, counted from 0: take device=cuda:1 or one before it, or device=cpu.")]
    public void A_device_that_is_not_there_is_refused_by_its_number(int number, int seen, string sentence)
    {
        Fault fault = Assert.Throws<Fault>(() => Devices.Among(new DeviceChoice(DeviceKind.Cuda, number), seen));
        Assert.Equal(FaultKind.Device, fault.Kind);
        Assert.Contains(sentence, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_that_is_there_is_taken_and_its_number_is_the_kernels_too()
    {
        // Without a number TorchSharp asks a libtorch that has CUDA for its device: these have one.
        Assert.Equal("cpu", Devices.Among(DeviceKind.Auto, 0).ToString());
        Assert.Equal("cpu", Devices.Among(DeviceKind.Cpu, 2).ToString());
        foreach (int number in (int[])[1, 2])
        {
            Device device = Devices.Among(new DeviceChoice(DeviceKind.Cuda, number), 3);
            Assert.Equal((TorchSharp.DeviceType.CUDA, number), (device.type, Devices.NumberOf(device)));
        }

        Assert.Equal("cuda:1", Devices.Among(new DeviceChoice(DeviceKind.Cuda, 1), 2).ToString());
    }

    /// <summary>Of processes that train together on one machine each takes the next device.</summary>
    [Theory]
    [InlineData("cuda:1", 4, 0, 1)]
    [InlineData("cuda:1", 4, 2, 3)]
    [InlineData("cuda", 4, 3, 3)]
    [InlineData("cuda:1", 4, 3, 0)]
    [InlineData("auto", 2, 1, 1)]
    [InlineData("cuda:1", 2, 2, 1)]
    public void Processes_of_a_machine_take_a_device_each(string text, int seen, int place, int number)
    {
        DeviceChoice choice = OptionTable.Set(new TrainingOptions(), "device", text, "a test").Device;
        // Number 0 is TorchSharp's CUDA without one, which only a libtorch with CUDA gives out.
        if (number > 0)
            Assert.Equal(number, Devices.NumberOf(Devices.Among(choice, seen, place)));
        else
            Assert.ThrowsAny<Exception>(() => Devices.Among(choice, seen, place));
        Assert.Equal(CPU.ToString(), Devices.Among(DeviceKind.Cpu, seen, place).ToString());
    }
}
