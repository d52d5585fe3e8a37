@echo off
rem Lets a kernel debugger reach this Windows from its next boot on. For an elevated prompt INSIDE the VM.
rem
rem   debug-on.cmd                      serial, COM1 (serial0 of the .vmx), 115200 baud
rem   debug-on.cmd 2                    serial, COM2 (serial1 of the .vmx)
rem   debug-on.cmd 1 entry              the same in a boot entry of its own: the ordinary boot stays as it is
rem   debug-on.cmd net 192.168.1.10 50000 [entry]     KDNET instead; the key goes to a file, not to the screen
rem
rem What was there before is kept in %ProgramData%\kd-lab, which administrators alone can read, and
rem debug-off.cmd puts it back. The order is: look, save, then change, and the switch itself comes last, so
rem that a failure on the way leaves this Windows booting as before.
rem
rem Not run on Windows itself by its authors: run under Wine's cmd.exe with recording stand-ins for bcdedit,
rem manage-bde, net, reg and icacls (tests/engine/test_vm_guest.py).
rem Sources: learn.microsoft.com, "BCDEdit /debug", "BCDEdit /dbgsettings", "BCDEdit /copy", "manage-bde status".
setlocal
if not defined ProgramData set "ProgramData=%SystemDrive%\ProgramData"
set "STATE=%ProgramData%\kd-lab"
set "KIND=serial"
set "PORT=1"
set "HOSTIP="
set "OWN="
if /i "%~1"=="/?" goto usage
if /i "%~1"=="-h" goto usage
if /i "%~1"=="net" goto read_net
if /i "%~1"=="entry" set "OWN=1"
if /i "%~1"=="entry" goto read_done
if not "%~1"=="" set "PORT=%~1"
if /i "%~2"=="entry" set "OWN=1"
if "%PORT%"=="1" goto read_done
if "%PORT%"=="2" goto read_done
if "%PORT%"=="3" goto read_done
if "%PORT%"=="4" goto read_done
echo debug-on: the port is the number of a COM port, 1 to 4, not "%PORT%".
goto usage
:read_net
set "KIND=net"
set "HOSTIP=%~2"
set "PORT=%~3"
if "%HOSTIP%"=="" goto usage
if "%PORT%"=="" goto usage
if /i "%~4"=="entry" set "OWN=1"
:read_done

rem --- elevated? The second question is for a Windows whose Server service is off: HKU\S-1-5-19 opens to administrators only.
net session >nul 2>&1
if not errorlevel 1 goto elevated
reg query HKU\S-1-5-19 >nul 2>&1
if not errorlevel 1 goto elevated
echo debug-on: this prompt is not elevated; nothing was changed.
echo   Start menu, type cmd, press Ctrl+Shift+Enter, answer Yes, and run this again.
exit /b 1
:elevated

rem --- Secure Boot: bcdedit would refuse with "The value is protected by Secure Boot policy".
set "SECUREBOOT="
for /f "tokens=1,3" %%a in ('reg query HKLM\SYSTEM\CurrentControlSet\Control\SecureBoot\State /v UEFISecureBootEnabled 2^>nul') do if /i "%%a"=="UEFISecureBootEnabled" set "SECUREBOOT=%%b"
if /i not "%SECUREBOOT%"=="0x1" goto secure_boot_off
echo debug-on: Secure Boot is on, and Windows refuses to change debugger settings under it; nothing was changed.
echo   Shut this VM down, then on the host:
echo     VMware:      python vm\vmx.py "NAME.vmx" --secure-boot off
echo     Hyper-V:     Set-VMFirmware -VMName NAME -EnableSecureBoot Off
echo     VirtualBox:  VBoxManage modifynvram NAME secureboot --disable
echo   With BitLocker, suspend it first:  manage-bde -protectors -disable %SystemDrive% -RebootCount 2
exit /b 1
:secure_boot_off

rem --- BitLocker: changed boot settings make it ask for the 48-digit recovery key. 0 means protected, whatever the language.
manage-bde -status %SystemDrive% -protectionaserrorlevel >nul 2>&1
if errorlevel 1 goto bitlocker_off
echo debug-on: BitLocker protects %SystemDrive%, and would ask for its recovery key at the next boot; nothing was changed.
echo   Suspend it for that boot, then run this again:
echo     manage-bde -protectors -disable %SystemDrive% -RebootCount 1
exit /b 1
:bitlocker_off

rem --- save, once: a second run must not take our own settings for the ones from before.
if not exist "%STATE%" mkdir "%STATE%"
if not exist "%STATE%" goto no_folder
rem Administrators and SYSTEM by their SIDs, which are the same in every language.
icacls "%STATE%" /inheritance:r /grant:r *S-1-5-32-544:(OI)(CI)F *S-1-5-18:(OI)(CI)F >nul 2>&1
if errorlevel 1 goto no_folder
set "LAST=%STATE%\last-answer.txt"
if exist "%STATE%\saved.txt" goto saved
set "DOING=bcdedit /enum {current}"
bcdedit /enum {current} >"%STATE%\before-current.txt" 2>&1
if errorlevel 1 goto failed_enum
set "DOING=bcdedit /dbgsettings"
bcdedit /dbgsettings >"%STATE%\before-dbgsettings.txt" 2>&1
if errorlevel 1 goto failed_settings
set "DOING=bcdedit /export"
bcdedit /export "%STATE%\bcd-before" >"%LAST%" 2>&1
if errorlevel 1 goto failed
echo saved by debug-on.cmd>"%STATE%\saved.txt"
echo Saved what was there before in %STATE%
:saved

rem --- change
if "%KIND%"=="net" goto settings_net
set "DOING=bcdedit /dbgsettings serial debugport:%PORT% baudrate:115200"
bcdedit /dbgsettings serial debugport:%PORT% baudrate:115200 >"%LAST%" 2>&1
if errorlevel 1 goto failed
goto settings_done
:settings_net
rem bcdedit answers with the key, which opens this machine to whoever has it: it goes to the closed folder only.
set "DOING=bcdedit /dbgsettings net hostip:%HOSTIP% port:%PORT%"
bcdedit /dbgsettings net hostip:%HOSTIP% port:%PORT% >"%STATE%\kdnet-key.txt" 2>&1
if errorlevel 1 goto failed_net
:settings_done

if not "%OWN%"=="1" goto debug_current
if exist "%STATE%\entry.txt" goto old_entry
set "DOING=bcdedit /copy {current}"
bcdedit /copy {current} /d "Windows with kernel debugger" >"%LAST%" 2>&1
if errorlevel 1 goto failed
rem The sentence is in the language of Windows; the new entry's name is what stands in braces.
set "ENTRY="
for /f "usebackq tokens=2 delims={}" %%a in ("%LAST%") do set "ENTRY=%%a"
if "%ENTRY%"=="" goto failed
rem The redirection stands first: behind a digit, > would take the digit for the number of a stream.
>"%STATE%\entry.txt" echo %ENTRY%
:old_entry
for /f "usebackq" %%a in ("%STATE%\entry.txt") do set "ENTRY=%%a"
set "DOING=bcdedit /debug {%ENTRY%} on"
bcdedit /debug {%ENTRY%} on >"%LAST%" 2>&1
if errorlevel 1 goto failed
echo Done. At the next boot choose "Windows with kernel debugger"; the ordinary entry is as it was.
goto done
:debug_current
set "DOING=bcdedit /debug on"
bcdedit /debug on >"%LAST%" 2>&1
if errorlevel 1 goto failed
echo Done. From the next boot on, this Windows listens for a kernel debugger.
:done
if "%KIND%"=="net" echo The key is in %STATE%\kdnet-key.txt: carry it to the host by hand, and paste it nowhere else.
if "%KIND%"=="serial" echo Settings: serial, debugport %PORT%, which is COM%PORT%, at 115200 baud.
echo   next, with the debugger waiting on the host:  shutdown /r /t 0
echo   to undo it all:  debug-off.cmd
exit /b 0

:failed_enum
set "LAST=%STATE%\before-current.txt"
goto failed
:failed_settings
set "LAST=%STATE%\before-dbgsettings.txt"
goto failed
:failed_net
set "LAST=%STATE%\kdnet-key.txt"
:failed
echo debug-on: this command failed, and nothing after it was done:
echo   %DOING%
echo bcdedit says:
type "%LAST%"
exit /b 1
:no_folder
echo debug-on: cannot make %STATE% and close it to others; nothing was changed.
exit /b 1
:usage
echo usage: debug-on.cmd [1-4] [entry]
echo        debug-on.cmd net HOSTIP PORT [entry]
exit /b 1
