using SSLP.Interop.Slides.OpenSlide;
using SSLP.Interop.Slides.Tiff;

namespace SSLP.Interop.Slides;

/// <summary>Chooses the reader of a slide: <c>Slide.Open</c>. It lies above the readers, <see cref="Slide"/> below them.</summary>
public static class SlideOpening
{
    extension(Slide)
    {
        /// <summary>Opens a slide by its content; the extension plays no part.</summary>
        /// <param name="path">A slide file, or the folder that holds the files of one DICOM slide.</param>
        /// <param name="reader">Which reader to use; <see cref="SlideReader.Auto"/> takes the embedded one for what it reads in
        /// full.</param>
        /// <param name="runtime">What it shares with other slides, open longer than it; null gives it one of its own, which goes with
        /// it.</param>
        /// <exception cref="SlideException">The file can't be read; the message names it, the reason and what to do.</exception>
        public static Slide Open(string path, SlideReader reader = SlideReader.Auto, SlideRuntime? runtime = null)
        {
            ArgumentException.ThrowIfNullOrEmpty(path);
            if (runtime is not null)
                return OpenWith(runtime, path, reader);
            var own = new SlideRuntime();
            try
            {
                Slide slide = OpenWith(own, path, reader);
                slide.Own(own);
                return slide;
            }
            catch
            {
                own.Dispose();
                throw;
            }
        }
    }

    private static Slide OpenWith(SlideRuntime runtime, string path, SlideReader reader)
    {
        if (Directory.Exists(path))
        {
            return reader != SlideReader.Embedded && DicomSlides.LargestIn(path) is { } file
                ? DicomSlides.Open(file, path, runtime.OpenSlideCache)
                : throw new SlideException(
                path, SlideFault.NotASlide, "is a folder, not a slide file; name the files in it, or pass it as the folder of slides");
        }
        if (!File.Exists(path))
            throw new SlideException(path, SlideFault.NotFound, "there is no such file; check the path");
        // Before it is opened: opening a pipe that nobody writes to waits for ever.
        if (new FileInfo(path).Length == 0)
            throw new SlideException(path, SlideFault.NotASlide, "is empty; copy the file again (a pipe or a device is no slide either)");
        return reader switch
        {
            SlideReader.Embedded => TiffSlide.OpenFile(path, runtime.Tiff),
            SlideReader.OpenSlide =>
                DicomSlides.IsDicom(path) ? DicomSlides.Open(path, path, runtime.OpenSlideCache)
                    : OpenSlideSlide.OpenFile(path, runtime.OpenSlideCache),
            SlideReader.Auto => OpenAuto(path, runtime),
            _ => throw new ArgumentOutOfRangeException(nameof(reader), reader, "Unknown slide reader."),
        };
    }

    private static Slide OpenAuto(string path, SlideRuntime runtime)
    {
        try
        {
            return TiffSlide.OpenFile(path, runtime.Tiff);
        }
        catch (SlideException embedded) when (embedded.Fault == SlideFault.NotASlide && DicomSlides.IsDicom(path))
        {
            return DicomSlides.Open(path, path, runtime.OpenSlideCache);
        }
        catch (SlideException embedded) when (embedded.MayBeReadByOpenSlide())
        {
            // What it can't allocate ends the process.
            if (embedded.Fault != SlideFault.NotASlide && TiffSlide.ClaimsTooMuch(path, runtime.Tiff))
                throw;
            return OpenSlideInstead(path, runtime, embedded);
        }
    }

    private static Slide OpenSlideInstead(string path, SlideRuntime runtime, SlideException embedded)
    {
        try
        {
            var slide = OpenSlideSlide.OpenFile(path, runtime.OpenSlideCache);
            if (embedded.Fault == SlideFault.UnsupportedPixels && !slide.CanRead())
            {
                slide.Dispose();
                throw embedded;
            }
            return slide;
        }
        catch (SlideException openSlide) when (openSlide.Fault == SlideFault.OpenSlideMissing)
        {
            string unless = embedded.Fault == SlideFault.NotASlide ? "if it is a slide of another format, " : "";
            throw new SlideException(path, embedded.Fault, $"{embedded.Reason}; {unless}{OpenSlideLibrary.HowToInstall}");
        }
        catch (SlideException openSlide) when (openSlide.Fault == SlideFault.NotASlide)
        {
            throw embedded;
        }
        catch (SlideException openSlide) when (openSlide.Fault == SlideFault.Corrupt && embedded.Fault != SlideFault.NotASlide)
        {
            // The file is good as far as its directories go; what is in it is known to neither.
            throw new SlideException(path, embedded.Fault, $"{embedded.Reason}; {openSlide.Reason}");
        }
    }
}
