@echo off
rem Puts back what debug-on.cmd found: debugging of the ordinary boot, the debugger settings, and no entry of ours.
rem For an elevated prompt INSIDE the VM.
rem
rem It undoes its own changes one by one. The whole boot store as it was lies beside them in
rem %ProgramData%\kd-lab\bcd-before, for the rare case (settings for USB or 1394) that cannot be put back singly:
rem   bcdedit /import %ProgramData%\kd-lab\bcd-before
rem
rem Not run on Windows itself by its authors: run under Wine's cmd.exe with recording stand-ins for bcdedit,
rem manage-bde, net, reg and icacls (tests/engine/test_vm_guest.py).
rem Sources: learn.microsoft.com, "BCDEdit /debug", "BCDEdit /dbgsettings", "BCDEdit /delete".
setlocal
if not defined ProgramData set "ProgramData=%SystemDrive%\ProgramData"
set "STATE=%ProgramData%\kd-lab"
set "LAST=%STATE%\last-answer.txt"

net session >nul 2>&1
if not errorlevel 1 goto elevated
reg query HKU\S-1-5-19 >nul 2>&1
if not errorlevel 1 goto elevated
echo debug-off: this prompt is not elevated; nothing was changed.
echo   Start menu, type cmd, press Ctrl+Shift+Enter, answer Yes, and run this again.
exit /b 1
:elevated
if exist "%STATE%\saved.txt" goto known
echo debug-off: debug-on.cmd has left nothing to put back here (no %STATE%\saved.txt).
echo   To switch kernel debugging off all the same:  bcdedit /debug off
exit /b 1
:known
manage-bde -status %SystemDrive% -protectionaserrorlevel >nul 2>&1
if errorlevel 1 goto bitlocker_off
echo debug-off: BitLocker protects %SystemDrive%, and would ask for its recovery key at the next boot; nothing was changed.
echo   Suspend it for that boot, then run this again:
echo     manage-bde -protectors -disable %SystemDrive% -RebootCount 1
exit /b 1
:bitlocker_off

rem --- what was there before. bcdedit writes element names and Yes in English, whatever the language of its titles.
set "DEBUG=off"
for /f "usebackq tokens=1,2" %%a in ("%STATE%\before-current.txt") do if /i "%%a"=="debug" if /i "%%b"=="Yes" set "DEBUG=on"
set "KIND="
set "COM=1"
set "BAUD=115200"
set "HOSTIP="
set "PORT="
set "KEY="
for /f "usebackq tokens=1,2" %%a in ("%STATE%\before-dbgsettings.txt") do (
  if /i "%%a"=="debugtype" set "KIND=%%b"
  if /i "%%a"=="debugport" set "COM=%%b"
  if /i "%%a"=="baudrate" set "BAUD=%%b"
  if /i "%%a"=="hostip" set "HOSTIP=%%b"
  if /i "%%a"=="port" set "PORT=%%b"
  if /i "%%a"=="key" set "KEY=%%b"
)

rem --- our own entry goes, then the switch, then the settings
if not exist "%STATE%\entry.txt" goto no_entry
for /f "usebackq" %%a in ("%STATE%\entry.txt") do set "ENTRY=%%a"
set "DOING=bcdedit /delete {%ENTRY%} /cleanup"
bcdedit /delete {%ENTRY%} /cleanup >"%LAST%" 2>&1
if errorlevel 1 goto failed
del "%STATE%\entry.txt"
:no_entry
set "DOING=bcdedit /debug %DEBUG%"
bcdedit /debug %DEBUG% >"%LAST%" 2>&1
if errorlevel 1 goto failed
if /i "%KIND%"=="Serial" goto serial
if /i "%KIND%"=="Net" goto net
if "%KIND%"=="" goto restored
echo debug-off: the debugger settings were of the type %KIND%, which cannot be put back singly. The whole store as it was:
echo     bcdedit /import "%STATE%\bcd-before"
goto kept
:serial
set "DOING=bcdedit /dbgsettings serial debugport:%COM% baudrate:%BAUD%"
bcdedit /dbgsettings serial debugport:%COM% baudrate:%BAUD% >"%LAST%" 2>&1
if errorlevel 1 goto failed
goto restored
:net
rem The key is given, and kept out of what is printed, also when the command fails.
set "DOING=bcdedit /dbgsettings net hostip:%HOSTIP% port:%PORT% key:(not shown)"
bcdedit /dbgsettings net hostip:%HOSTIP% port:%PORT% key:%KEY% >"%LAST%" 2>&1
if errorlevel 1 goto failed
:restored
rem The next debug-on.cmd saves anew.
del "%STATE%\saved.txt"
if exist "%STATE%\kdnet-key.txt" del "%STATE%\kdnet-key.txt"
echo Done. From the next boot on, all is as before debug-on.cmd (debug %DEBUG%).
echo   the store as it was stays in %STATE%\bcd-before
exit /b 0
:kept
echo   debugging itself is put back (debug %DEBUG%).
exit /b 1
:failed
echo debug-off: this command failed, and nothing after it was done:
echo   %DOING%
echo bcdedit says:
type "%LAST%"
exit /b 1
