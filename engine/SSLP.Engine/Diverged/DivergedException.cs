using SSLP.Data.Files;

namespace SSLP.Engine.Diverged;

/// <summary>A run that cannot go on because of what it learned, not of the machine: the same options would end the same way.</summary>
public sealed class DivergedException(string sentence) : UserException(sentence, Diverged);
