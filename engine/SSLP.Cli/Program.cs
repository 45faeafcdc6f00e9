using SSLP.Cli;

return Shell.Run(Commands.Root(), args);
