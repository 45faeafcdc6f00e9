using SSLP.Engine.Options;
using SSLP.Engine.Training;
using Xunit;

namespace SSLP.Engine.Tests.Training;

public sealed class ScheduleTests
{
    [Fact]
    public void Cosine_falls_from_the_initial_rate_to_nothing()
    {
        var schedule = new Schedule(new TrainingOptions { Epochs = 4, LearningRate = 0.2 }, 25);
        Assert.Equal(100, schedule.TotalSteps);
        Assert.Equal(0.2, schedule.LearningRate(0), 12);
        Assert.Equal(0.1, schedule.LearningRate(50), 12);
        Assert.Equal(0.0, schedule.LearningRate(100), 12);
    }

    [Fact]
    public void Ramp_is_the_papers_at_whole_epochs()
    {
        var schedule = new Schedule(new TrainingOptions { Epochs = 100 }, 7);
        for (int epoch = 0; epoch < 12; epoch++)
        {
            double left = 1 - (Math.Min(epoch, 10) / 10.0);
            Assert.Equal(Math.Exp(-5 * left * left), schedule.Ramp(epoch * 7), 12);
        }
    }

    [Fact]
    public void A_short_run_ramps_over_its_first_tenth()
    {
        var schedule = new Schedule(new TrainingOptions { MaxSteps = 50 }, 1000);
        Assert.Equal(50, schedule.TotalSteps);
        Assert.Equal(1.0, schedule.Ramp(5), 12);
        Assert.True(schedule.Ramp(4) < 1);
    }
}
