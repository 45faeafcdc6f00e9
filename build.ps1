#!/usr/bin/env pwsh
# Each task is one command, the one that the README gives for a shell without PowerShell.
#   ./build.ps1 [restore | build | test | bench | publish | pack | archive | native]
param([ValidateSet('restore', 'build', 'test', 'bench', 'publish', 'pack', 'archive', 'native')] [string] $Task = 'build')

$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot

switch ($Task) {
    'restore' { dotnet restore SSLP.Engine.sln }
    'build' { dotnet build SSLP.Engine.sln -c Release }
    'test' { dotnet test --solution SSLP.Engine.sln -c Release }
    'bench' { dotnet run --project bench/SSLP.Bench -c Release -- knn }
    'publish' { dotnet publish engine/SSLP.Cli -c Release --use-current-runtime -o artifacts/sslp }
    'pack' { dotnet pack SSLP.Engine.sln -c Release -o artifacts/packages }
    'archive' { dotnet build build/Archive.proj -c Release }
    'native' { dotnet build interop/native/Native.proj -c Release }
}
exit $LASTEXITCODE
